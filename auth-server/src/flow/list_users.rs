//! Lists users for an administrator, page by page.

use std::sync::Arc;

use auth_domain::{User, UserId};
use auth_store::Store;

use super::Failure;

/// The most users of a page.
const PAGE: u32 = 500;

/// Lists users.
#[derive(Clone)]
pub struct ListUsers {
    pub(crate) store: Arc<dyn Store>,
    /// Only users whose address contains this text, in any capitals. `None`: all users.
    pub(crate) search: Option<String>,
}

/// Some users, the oldest first.
#[derive(Debug)]
pub struct UserPage {
    /// At most as many as were asked for.
    pub users: Vec<User>,
    /// The user after which the next page begins. `None`: there are no more.
    pub next: Option<UserId>,
}

impl ListUsers {
    /// The page of at most `limit` users after `after`, or the first page.
    pub async fn run(&self, after: Option<UserId>, limit: u32) -> Result<UserPage, Failure> {
        let limit = limit.min(PAGE);
        // One more than the page holds shows whether another page follows.
        let mut users = match &self.search {
            Some(text) => self.store.search_users(&text.to_lowercase(), after, limit + 1).await?,
            None => self.store.list_users(after, limit + 1).await?,
        };
        let more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = users.last().map(|user| user.id).filter(|_| more);
        Ok(UserPage { users, next })
    }
}
