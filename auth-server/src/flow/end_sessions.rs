//! Ends sessions by id: for their user on another device, or for the operator.

use std::sync::Arc;

use auth_domain::{SessionKey, UserId};
use auth_store::{EndOutcome, Store, StoreError};

/// Users per statement.
const PAGE: u32 = 500;

/// The result of [`EndSessions::of_all_users`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedForAll {
    /// The users who had a session.
    pub users: u64,
    /// Their sessions.
    pub sessions: u64,
}

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
        tracing::info!(user = %key.user_id, session = %key.id, ended, "session ended by its user or the operator");
        Ok(ended)
    }

    /// Ends all sessions of a user, and returns how many there were.
    pub async fn of_user(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = self.store.end_sessions_of(user, None).await?;
        tracing::info!(%user, ended, "all sessions ended");
        Ok(ended)
    }

    /// Ends all sessions of all users. Calls `progress` with the number of users that were visited, after each page of
    /// them. Those who are added meanwhile may be left out.
    pub async fn of_all_users(&self, progress: impl Fn(usize)) -> Result<EndedForAll, StoreError> {
        let (mut ended, mut visited, mut after) = (EndedForAll { users: 0, sessions: 0 }, 0, None);
        loop {
            // Of the verbs that list users, this one reads the least of each.
            let page = self.store.stored_emails(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.user_id);
            for user in &page {
                let sessions = self.store.end_sessions_of(user.user_id, None).await?;
                ended.users += u64::from(sessions > 0);
                ended.sessions += sessions;
            }
            visited += page.len();
            progress(visited);
        }
        tracing::info!(ended.users, ended.sessions, "all sessions of all users ended");
        Ok(ended)
    }
}
