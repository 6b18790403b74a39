//! What to do when the feed has not been heard for too long.

use std::time::Duration;

/// How old what is known may be, and what happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staleness {
    /// `REVOCATION_MAX_STALENESS`.
    pub max: Duration,
    /// `ON_STALE`.
    pub then: OnStale,
}

/// The choice between answering with what is known, and not answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStale {
    /// Tokens are accepted until they expire, as without the feed.
    Allow,
    /// No token is accepted ([`Refusal::Stale`](crate::Refusal::Stale)).
    Refuse,
}

impl Default for Staleness {
    fn default() -> Self {
        Self { max: Duration::from_mins(1), then: OnStale::Allow }
    }
}
