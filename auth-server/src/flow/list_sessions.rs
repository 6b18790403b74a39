//! A person's devices: the sessions that are live, a page at a time.

use std::sync::Arc;

use auth_domain::{ListedSession, SessionId, UserId};
use auth_store::Store;
use chrono::TimeDelta;

use super::Failure;

/// The most sessions of a page.
const PAGE: u32 = 100;

/// Lists sessions.
#[derive(Clone)]
pub struct ListSessions {
    /// Where sessions are kept.
    pub(crate) store: Arc<dyn Store>,
    /// A session ends when it was not refreshed for so long. `None`: never.
    pub(crate) idle_lifetime: Option<TimeDelta>,
}

/// Some of a person's sessions, the oldest first.
#[derive(Debug)]
pub struct SessionPage {
    /// Live ones only.
    pub sessions: Vec<ListedSession>,
    /// After which one the next page begins. `None`: there are no more.
    pub next: Option<SessionId>,
}

impl ListSessions {
    /// The page after that session, or the first one.
    pub async fn run(&self, user: UserId, after: Option<SessionId>) -> Result<SessionPage, Failure> {
        let mut sessions = self.store.list_sessions(user, after, PAGE).await?;
        let full = u32::try_from(sessions.len()).is_ok_and(|listed| listed == PAGE);
        let next = sessions.last().map(|session| session.id).filter(|_| full);
        sessions.retain(|session| !session.is_over(self.idle_lifetime));
        Ok(SessionPage { sessions, next })
    }
}
