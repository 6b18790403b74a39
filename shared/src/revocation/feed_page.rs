//! The pages of the feed, for followers that poll (docs/feed.md).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::wire::Entry;

/// The maximum number of entries in a page.
pub const MAX_ENTRIES_PER_PAGE: usize = 1_000;

/// One page, for followers that poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// At most [`MAX_ENTRIES_PER_PAGE`]. Fewer mean that there are no more right now.
    pub entries: Vec<Entry>,
    /// The cursor for the next request.
    pub next: String,
    /// When auth-server read the entries, by the clock of its database.
    pub as_of: DateTime<Utc>,
}
