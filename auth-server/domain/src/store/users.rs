//! What is asked about people.

use async_trait::async_trait;

use super::StoreError;
use crate::{Credentials, EmailKey, NewUser, PasswordHash, User, UserId};

/// The people who can sign in.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Adds a person, unless their folded address is taken.
    async fn add_user(&self, user: &NewUser) -> Result<Adding, StoreError>;

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
    ) -> Result<Upgrading, StoreError>;

    /// People in the order of their ids, the first `limit` of those after `after`.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;
}

/// The answer of [`Users::add_user`].
#[derive(Debug, Clone, PartialEq)]
pub enum Adding {
    /// Added, as stored.
    Added(User),
    /// Somebody has this address. Nothing changed.
    EmailTaken,
}

/// The answer of [`Users::upgrade_hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrading {
    /// The new hash is kept.
    Upgraded,
    /// The person is gone or has another hash by now. Nothing changed.
    Lost,
}
