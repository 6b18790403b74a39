//! What to do when the feed has not been heard for too long.

use std::time::Duration;

/// How old what is known may be, and what happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StalenessPolicy {
    /// `REVOCATION_MAX_STALENESS`.
    pub max_age: Duration,
    /// `ON_STALE`.
    pub on_stale: OnStale,
}

/// The choice between answering with what is known, and not answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStale {
    /// Tokens are accepted until they expire, as without the feed.
    Allow,
    /// No token is accepted ([`TokenError::Stale`](crate::TokenError::Stale)).
    Refuse,
}

impl Default for StalenessPolicy {
    fn default() -> Self {
        Self { max_age: Duration::from_mins(1), on_stale: OnStale::Allow }
    }
}
