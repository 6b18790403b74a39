//! Withdraws what a user allowed an application.

use std::sync::Arc;

use auth_domain::{ClientId, UserId};
use auth_store::{Store, StoreError};

/// Withdraws access.
#[derive(Clone)]
pub(crate) struct WithdrawAccess {
    pub(crate) store: Arc<dyn Store>,
}

impl WithdrawAccess {
    /// Deletes the consent of the user, and ends the sessions of the application.
    pub(crate) async fn run(&self, user: UserId, client: &ClientId) -> Result<(), StoreError> {
        let ended = self.store.withdraw_grant(user, client).await?;
        tracing::info!(%user, client = client.as_str(), ended, "access withdrawn");
        Ok(())
    }
}
