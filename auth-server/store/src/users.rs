//! What is asked about people.

use async_trait::async_trait;

use super::StoreError;
use auth_domain::{
    Credentials, Email, EmailKey, NewPassword, NewUser, PasswordHash, Role, User, UserId, UserName,
};

/// The people who can sign in.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Adds a person, unless their folded address is taken.
    async fn add_user(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError>;

    /// What a sign-in with this address is checked against, whether the person is enabled or not: that is for
    /// [`open_session`](super::Sessions::open_session) to decide. `None`: nobody has this address.
    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError>;

    /// Keeps `to` in place of `from`, another hash of the same password, if `from` still is the person's. Their sessions
    /// go on.
    async fn upgrade_hash(
        &self,
        user: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<UpgradeOutcome, StoreError>;

    /// People in the order of their ids, the first `limit` of those after `after`.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Users whose folded address contains `text`, letter by letter, in the order of their ids: the first `limit` of
    /// those after `after`.
    async fn search_users(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// One person. `None`: nobody goes by that name.
    async fn find_user(&self, name: &UserName) -> Result<Option<User>, StoreError>;

    /// Gives a person these roles and no others. Tokens that are out keep the roles that they were issued with.
    async fn set_roles(&self, user: UserId, roles: &[Role]) -> Result<ChangeOutcome, StoreError>;

    /// Sets the roles `to` if the user's roles still are `from`; refused otherwise. For a change that depends on the
    /// roles that the user has.
    async fn replace_roles(
        &self,
        user: UserId,
        from: &[Role],
        to: &[Role],
    ) -> Result<ChangeOutcome, StoreError>;

    /// Sets a user's address, confirmed or not. An address that differs only in capitals stays confirmed if it was.
    /// Sessions go on.
    async fn set_email(
        &self,
        user: UserId,
        email: &Email,
        verified: bool,
    ) -> Result<SetEmailOutcome, StoreError>;

    /// Marks the user's address as confirmed if it still is `email`; refused otherwise.
    async fn confirm_email(&self, user: UserId, email: &EmailKey) -> Result<ChangeOutcome, StoreError>;

    /// Gives a person another password and ends their sessions, but the one in which they changed it themselves: both or
    /// neither. A sign-in with the old password either comes first and is ended too, or opens nothing.
    ///
    /// Refused to somebody who changes it themselves when they are disabled, their password is not the verified one any
    /// more, or their session has ended.
    async fn set_password(&self, password: &NewPassword) -> Result<ChangeOutcome, StoreError>;

    /// Lets a person sign in no more and ends all their sessions: both or neither. A sign-in at the same time either
    /// comes first and is ended too, or opens nothing. Who is disabled already stays so since when they were.
    async fn disable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;

    /// Lets a person sign in again.
    async fn enable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;

    /// Deletes a person for good and ends all their sessions: both or neither.
    async fn delete_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;
}

/// The answer of [`Users::add_user`].
#[derive(Debug, Clone, PartialEq)]
pub enum AddUserOutcome {
    /// Added, as stored.
    Added(User),
    /// Somebody has this address. Nothing changed.
    EmailTaken,
}

/// The answer of the verbs that change a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// Changed.
    Changed {
        /// So many sessions ended with it.
        ended_sessions: u64,
    },
    /// Nobody has this id, or what the change rests on is not so any more. Nothing changed.
    Refused,
}

/// The answer of [`Users::set_email`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetEmailOutcome {
    /// Set.
    Set,
    /// Another user has this address. Nothing changed.
    EmailTaken,
    /// No user has this id. Nothing changed.
    UnknownUser,
}

/// The answer of [`Users::upgrade_hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpgradeOutcome {
    /// The new hash is kept.
    Upgraded,
    /// The person is gone or has another hash by now. Nothing changed.
    Lost,
}
