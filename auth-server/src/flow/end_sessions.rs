//! A person, or an administrator for them, ends sessions from elsewhere: a device that was lost, or all of them.

use std::sync::Arc;

use auth_domain::{SessionKey, UserId};
use auth_store::{EndOutcome, Store, StoreError};

use super::Failure;

/// Ends sessions by their names.
#[derive(Clone)]
pub struct EndSessions {
    /// Where sessions are kept.
    pub(crate) store: Arc<dyn Store>,
}

impl EndSessions {
    /// Ends one session. Whether it was there.
    ///
    /// Unlike signing out with a genuine token, it records nothing when there is no such session: otherwise anybody
    /// could fill the record with names of their own making (RV-12).
    pub async fn one(&self, key: SessionKey) -> Result<bool, Failure> {
        match self.store.find_session(key).await {
            Ok(None) => return Ok(false),
            // What cannot be read is there all the same, and nobody wants it ended less.
            Ok(Some(_)) | Err(StoreError::Corrupt { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let ended = self.store.end_session(key, None).await? == EndOutcome::Ended;
        tracing::info!(user = %key.user_id, session = %key.id, ended, "session ended by its owner or an administrator");
        Ok(ended)
    }

    /// Ends all sessions of a person, and says how many there were.
    pub async fn all(&self, user: UserId) -> Result<u64, Failure> {
        let ended = self.store.end_sessions_of(user, None).await?;
        tracing::info!(%user, ended, "all sessions ended");
        Ok(ended)
    }
}
