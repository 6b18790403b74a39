//! The port to users.

use async_trait::async_trait;

use super::StoreError;
use auth_domain::{
    Credentials, Email, EmailKey, NewPassword, NewUser, PasswordHash, Role, User, UserId, UserIdOrEmail,
};

/// Stores users.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Adds a user, unless another user has an address with the same [`EmailKey`].
    async fn add_user(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError>;

    /// The credentials of the user with this address, also of a disabled one:
    /// [`open_session`](super::Sessions::open_session) refuses it. `None`: no user has this address.
    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError>;

    /// Replaces the hash `from` by `to`, another hash of the same password, if the user still has `from`. Sessions
    /// continue.
    async fn upgrade_hash(
        &self,
        user: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<UpgradeOutcome, StoreError>;

    /// The first `limit` users after `after`, ordered by id.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// The first `limit` users after `after` whose [`EmailKey`] contains `text`, ordered by id. `text` is in the form
    /// of a key and has no wildcards.
    async fn search_users(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// The user with that name, or `None`.
    async fn find_user(&self, name: &UserIdOrEmail) -> Result<Option<User>, StoreError>;

    /// Replaces a user's roles. Access tokens that were issued before keep the old ones.
    async fn set_roles(&self, user: UserId, roles: &[Role]) -> Result<ChangeOutcome, StoreError>;

    /// Replaces a user's roles by `to` if they still are `from`, for a change that depends on the current roles.
    async fn replace_roles(
        &self,
        user: UserId,
        from: &[Role],
        to: &[Role],
    ) -> Result<ChangeOutcome, StoreError>;

    /// Sets a user's address. If it differs from the old one only in case, it stays verified. Sessions continue.
    async fn set_email(
        &self,
        user: UserId,
        email: &Email,
        verified: bool,
    ) -> Result<SetEmailOutcome, StoreError>;

    /// Marks a user's address as verified if it still is `email`.
    async fn confirm_email(&self, user: UserId, email: &EmailKey) -> Result<ChangeOutcome, StoreError>;

    /// Sets a user's password and ends the user's sessions, except the one in which the user sets it: both or neither. A
    /// concurrent sign-in with the old password either comes first and is ended too, or opens no session.
    ///
    /// If the user sets it (`SessionOwner`), it is refused when the user is disabled or has another password than the
    /// verified one, or when the session has ended.
    async fn set_password(&self, password: &NewPassword) -> Result<ChangeOutcome, StoreError>;

    /// Blocks a user's sign-in and ends all sessions: both or neither. A concurrent sign-in either comes first and is
    /// ended too, or opens no session. A user who is disabled already keeps the earlier time.
    async fn disable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;

    /// Allows a user to sign in again.
    async fn enable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;

    /// Deletes a user and ends all sessions. First disables the user, as [`disable_user`](Self::disable_user) does: after an
    /// error, the user may still exist, disabled.
    async fn delete_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError>;
}

/// The result of [`Users::add_user`].
#[derive(Debug, Clone, PartialEq)]
pub enum AddUserOutcome {
    /// Added, as stored.
    Added(User),
    /// Another user has this address. Nothing changed.
    EmailTaken,
}

/// The result of the verbs that change a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// Changed.
    Changed {
        /// How many sessions ended.
        ended_sessions: u64,
    },
    /// There is no such user, or a condition of the verb does not hold. Nothing changed.
    Refused,
}

/// The result of [`Users::set_email`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetEmailOutcome {
    /// Set.
    Set,
    /// Another user has this address. Nothing changed.
    EmailTaken,
    /// No user has this id. Nothing changed.
    UnknownUser,
}

/// The result of [`Users::upgrade_hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpgradeOutcome {
    /// The user has the new hash.
    Upgraded,
    /// The user was deleted or has another hash. Nothing changed.
    Lost,
}
