//! Lists users for the operator, page by page.

use std::sync::Arc;

use auth_domain::{EmailKey, User, UserId};
use auth_store::{Store, StoreError};

const MAX_PAGE: u32 = 500;

/// Lists users.
#[derive(Clone)]
pub struct ListUsers {
    pub(crate) store: Arc<dyn Store>,
    /// Only users whose address contains this text, in any spelling of it. `None`: all users.
    pub(crate) search: Option<String>,
}

/// A page of users, oldest first.
#[derive(Debug)]
pub struct UserPage {
    /// At most as many as requested.
    pub users: Vec<User>,
    /// The start of the next page. `None`: this is the last one.
    pub next: Option<UserId>,
}

impl ListUsers {
    /// The page of at most `limit` users after `after`, or the first page.
    pub async fn run(&self, after: Option<UserId>, limit: u32) -> Result<UserPage, StoreError> {
        let limit = limit.min(MAX_PAGE);
        // One more than the page holds shows whether another page follows.
        let mut users = match &self.search {
            Some(text) => self.store.search_users(&EmailKey::part(text), after, limit + 1).await?,
            None => self.store.list_users(after, limit + 1).await?,
        };
        let more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = users.last().map(|user| user.id).filter(|_| more);
        Ok(UserPage { users, next })
    }
}
