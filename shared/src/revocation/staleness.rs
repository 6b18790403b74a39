//! The policy for a stale set of revocations.

use std::time::Duration;

/// When the set counts as stale, and the reaction to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StalenessPolicy {
    /// The age above which the set is stale (`REVOCATION_MAX_STALENESS`).
    pub max_age: Duration,
    /// The reaction (`ON_STALE`).
    pub on_stale: OnStale,
}

/// The reaction to a stale set: availability or certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStale {
    /// Tokens that are not known to be revoked are accepted until they expire, as without the feed.
    Allow,
    /// No token is accepted ([`TokenError::Stale`](crate::TokenError::Stale)).
    Refuse,
}

impl Default for StalenessPolicy {
    fn default() -> Self {
        Self { max_age: Duration::from_mins(1), on_stale: OnStale::Allow }
    }
}
