//! Lists a user's live sessions, page by page.

use std::sync::Arc;

use auth_domain::{ListedSession, SessionId, UserId};
use auth_store::{Store, StoreError};
use chrono::TimeDelta;

/// Sessions per page, before those that have expired are left out.
const PAGE: u32 = 100;

/// Lists sessions.
#[derive(Clone)]
pub struct ListSessions {
    pub(crate) store: Arc<dyn Store>,
    /// Sessions that were idle for longer have ended. `None`: no limit.
    pub(crate) idle_lifetime: Option<TimeDelta>,
}

/// A page of a user's sessions, oldest first.
#[derive(Debug)]
pub struct SessionPage {
    /// Live sessions.
    pub sessions: Vec<ListedSession>,
    /// The start of the next page. `None`: this is the last one.
    pub next: Option<SessionId>,
}

impl ListSessions {
    /// The page after the session `after`, or the first one.
    pub async fn run(&self, user: UserId, after: Option<SessionId>) -> Result<SessionPage, StoreError> {
        let mut sessions = self.store.list_sessions(user, after, PAGE).await?;
        let full = u32::try_from(sessions.len()).is_ok_and(|listed| listed == PAGE);
        let next = sessions.last().map(|session| session.id).filter(|_| full);
        sessions.retain(|session| !session.is_over(self.idle_lifetime));
        Ok(SessionPage { sessions, next })
    }
}
