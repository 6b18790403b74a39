//! The port to what users allowed clients.

use async_trait::async_trait;
use auth_domain::{ClientId, Grant, UserId};
use goptri::Scope;

use crate::StoreError;

/// Stores the consents of users.
#[async_trait]
pub trait Grants: Send + Sync + 'static {
    /// What the user allowed the client. `None`: nothing.
    async fn find_grant(&self, user: UserId, client: &ClientId) -> Result<Option<Grant>, StoreError>;

    /// Adds to what the user allowed the client. The database's clock sets `granted_at`. Does nothing if the user was
    /// deleted.
    ///
    /// Of concurrent calls each adds its part. A concurrent withdrawal either comes first, so that only what this call
    /// adds is allowed, or deletes that too.
    async fn put_grant(
        &self,
        user: UserId,
        client: &ClientId,
        scope: &Scope,
        resources: &[String],
    ) -> Result<(), StoreError>;

    /// Everything that the user allowed, ordered by client.
    async fn list_grants(&self, user: UserId) -> Result<Vec<Grant>, StoreError>;

    /// Deletes what the user allowed the client and the client's unspent codes, and ends the client's sessions of the
    /// user, each as [`end_session`](crate::Sessions::end_session) does: all or nothing. Returns how many sessions ended.
    ///
    /// Waits for a code that is being spent, and ends its session too.
    async fn withdraw_grant(&self, user: UserId, client: &ClientId) -> Result<u64, StoreError>;
}
