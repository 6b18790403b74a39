//! Ends sessions by id: for their user on another device, or for an administrator.

use std::sync::Arc;

use auth_domain::{SessionKey, UserId};
use auth_store::{EndOutcome, Store, StoreError};

/// Ends sessions by id.
#[derive(Clone)]
pub struct EndSessions {
    pub(crate) store: Arc<dyn Store>,
}

impl EndSessions {
    /// Ends one session, and returns whether it existed.
    ///
    /// Unlike signing out with a token, this records nothing if there is no such session; otherwise any caller could
    /// fill the feed with invented ids (RV-12).
    pub async fn one(&self, key: SessionKey) -> Result<bool, StoreError> {
        match self.store.find_session(key).await {
            Ok(None) => return Ok(false),
            // A corrupt row is a session, and must end all the same.
            Ok(Some(_)) | Err(StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let ended = self.store.end_session(key, None).await? == EndOutcome::Ended;
        tracing::info!(user = %key.user_id, session = %key.id, ended, "session ended by its user or an administrator");
        Ok(ended)
    }

    /// Ends all sessions of a user, and returns how many there were.
    pub async fn all(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = self.store.end_sessions_of(user, None).await?;
        tracing::info!(%user, ended, "all sessions ended");
        Ok(ended)
    }
}
