//! The set of known revocations. It only grows, except that entries expire.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::freshness::Freshness;
use super::monotonic_clock::{MonotonicClock, SystemMonotonicClock};
use super::revoked_clients::RevokedClients;
use super::revoked_ids::{Deadline, IdFormat, RevokedIds, SHARDS};
use super::staleness::{OnStale, StalenessPolicy};
use super::{Entry, EntryKind};
use crate::access_claims::AccessClaims;
use crate::token_error::TokenError;

/// How long a new set rejects every token while it is incomplete, if `REVOCATION_MAX_STALENESS` is not shorter.
const CATCH_UP_TIMEOUT: Duration = Duration::from_mins(1);

/// The default capacity: more than two gigabytes, enough for 6,600 sign-outs per second. A larger set must be a mistake.
pub const MAX_ENTRIES: usize = 50_000_000;

/// The set of revocations, and its age. Clones share one set.
///
/// Independent of the time of day: an entry is kept for its `expires_in` on the monotonic clock of the set.
#[derive(Clone)]
pub struct RevocationSet(Arc<Shared>);

struct Shared {
    sessions: RevokedIds,
    tokens: RevokedIds,
    clients: RevokedClients,
    len: AtomicUsize,
    max_entries: usize,
    freshness: Freshness,
    connected: AtomicBool,
    staleness: StalenessPolicy,
    clock: Arc<dyn MonotonicClock>,
    created: Duration,
}

/// The set is full. It keeps its entries, but no longer has every revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {0} revocations, the maximum kept in memory")]
pub struct CapacityExceeded(usize);

/// Why a service that follows the feed is not ready, as a clause that follows "this service".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedNotReady {
    /// The live entries were not read completely yet.
    #[error("waits for the revocation feed: not all revocations are known yet")]
    NotCaughtUp,
    /// The set is stale, and `ON_STALE` is `refuse`.
    #[error("has revocations that are {} s old, more than REVOCATION_MAX_STALENESS", .0.as_secs())]
    Stale(Duration),
}

impl Default for RevocationSet {
    fn default() -> Self {
        Self::new(StalenessPolicy::default(), Arc::new(SystemMonotonicClock::default()))
    }
}

impl RevocationSet {
    /// Creates an empty set with room for [`MAX_ENTRIES`].
    pub fn new(staleness: StalenessPolicy, clock: Arc<dyn MonotonicClock>) -> Self {
        Self::with_max_entries(MAX_ENTRIES, staleness, clock)
    }

    /// Creates an empty set with room for `max_entries`.
    pub fn with_max_entries(
        max_entries: usize,
        staleness: StalenessPolicy,
        clock: Arc<dyn MonotonicClock>,
    ) -> Self {
        let created = clock.elapsed();
        Self(Arc::new(Shared {
            created,
            sessions: RevokedIds::new(IdFormat::Uuid),
            tokens: RevokedIds::new(IdFormat::Hex),
            clients: RevokedClients::default(),
            len: AtomicUsize::new(0),
            max_entries,
            freshness: Freshness::unknown(),
            connected: AtomicBool::new(false),
            staleness,
            clock,
        }))
    }

    /// Adds a revocation. A duplicate keeps the later deadline and, for a client, the later `revoked_at`.
    ///
    /// # Errors
    /// When the set is full. The caller must then stop treating it as complete.
    pub fn insert(&self, entry: &Entry) -> Result<(), CapacityExceeded> {
        let shared = &*self.0;
        if entry.expires_in == 0 {
            return Ok(());
        }
        // Counted before it is inserted, so that a concurrent sweep cannot subtract it first.
        if shared.len.fetch_add(1, Ordering::Relaxed) >= shared.max_entries {
            shared.len.fetch_sub(1, Ordering::Relaxed);
            return Err(CapacityExceeded(shared.max_entries));
        }
        let deadline = shared.deadline(entry.expires_in);
        let new = match entry.kind {
            EntryKind::Session => shared.sessions.insert(&entry.subject, deadline),
            EntryKind::Token => shared.tokens.insert(&entry.subject, deadline),
            EntryKind::Client => shared.clients.insert(&entry.subject, entry.revoked_at, deadline),
        };
        if !new {
            shared.len.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns whether the token with these claims is revoked.
    ///
    /// Compares `sid`, `jti` and `client_id`, never the text of the token: two texts can be the same token (JV-28).
    pub fn revokes(&self, claims: &AccessClaims) -> bool {
        let shared = &*self.0;
        if shared.len.load(Ordering::Relaxed) == 0 {
            return false;
        }
        // Reads the clock only if an entry matches, which is rare.
        let is_live = |deadline: Deadline| shared.now() < deadline;
        claims.user().and_then(|user| shared.sessions.deadline(&user.session)).is_some_and(is_live)
            || shared.tokens.deadline(&claims.jti).is_some_and(is_live)
            || shared.clients.deadline(&claims.client_id, claims.iat).is_some_and(is_live)
    }

    /// Rejects a revoked token and, while [`check_ready`](Self::check_ready) fails, every token.
    ///
    /// # Errors
    /// The reason of the rejection.
    pub fn check(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        if self.revokes(claims) {
            return Err(TokenError::Revoked);
        }
        self.check_ready().map_err(|not_ready| match not_ready {
            FeedNotReady::NotCaughtUp => TokenError::NotCaughtUp,
            FeedNotReady::Stale(_) => TokenError::Stale,
        })
    }

    /// Returns the age of the set: how long ago it last had every revocation. `None` if it never had.
    pub fn age(&self) -> Option<Duration> {
        self.0.freshness.age(self.0.clock.elapsed())
    }

    /// Returns whether the set is older than the policy allows, or was never complete.
    pub fn is_stale(&self) -> bool {
        self.age().is_none_or(|age| age > self.0.staleness.max_age)
    }

    /// The policy for a stale set.
    pub fn staleness(&self) -> StalenessPolicy {
        self.0.staleness
    }

    /// Checks whether tokens can be accepted, and so whether a service with this set is ready.
    ///
    /// A set that was never complete rejects every token, because it may lack revocations that the service had before a
    /// restart. This lasts for `REVOCATION_MAX_STALENESS`, but no longer than a minute. After that, and whenever the
    /// set is stale, `ON_STALE` decides.
    ///
    /// # Errors
    /// Why tokens cannot be accepted.
    pub fn check_ready(&self) -> Result<(), FeedNotReady> {
        let StalenessPolicy { max_age, on_stale } = self.0.staleness;
        if !self.0.freshness.is_known() {
            let waits = on_stale == OnStale::Refuse || self.is_within_catch_up_timeout();
            return if waits { Err(FeedNotReady::NotCaughtUp) } else { Ok(()) };
        }
        if on_stale == OnStale::Allow {
            return Ok(());
        }
        let age = self.age().unwrap_or_default();
        if age > max_age { Err(FeedNotReady::Stale(age)) } else { Ok(()) }
    }

    /// Returns whether the catch-up timeout, which begins when the set is created, has not passed yet.
    pub(crate) fn is_within_catch_up_timeout(&self) -> bool {
        let Shared { clock, created, staleness, .. } = &*self.0;
        clock.elapsed().saturating_sub(*created) < staleness.max_age.min(CATCH_UP_TIMEOUT)
    }

    /// Returns whether the follower is connected and has caught up.
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Relaxed)
    }

    /// The number of entries. Expired entries count until they are swept.
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// Returns whether the set has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that every revocation up to `age` ago has been inserted.
    pub fn set_age(&self, age: Duration) {
        self.0.freshness.set_age(self.0.clock.elapsed(), age);
    }

    /// Removes the expired entries of one of the [`SHARDS`](Self::SHARDS).
    pub fn sweep(&self, shard: usize) {
        let set = &*self.0;
        let (shard, now) = (shard % SHARDS, set.now());
        let mut removed = set.sessions.sweep(shard, now) + set.tokens.sweep(shard, now);
        if shard == 0 {
            removed += set.clients.sweep(now);
        }
        set.len.fetch_sub(removed, Ordering::Relaxed);
    }

    /// The number of shards, which are swept one at a time, so that a sweep never locks the whole set.
    pub const SHARDS: usize = SHARDS;

    #[cfg(feature = "feed")]
    pub(super) fn set_connected(&self, connected: bool) {
        self.0.connected.store(connected, Ordering::Relaxed);
    }

    #[cfg(feature = "feed")]
    pub(super) fn clock(&self) -> &dyn MonotonicClock {
        self.0.clock.as_ref()
    }
}

impl Shared {
    fn now(&self) -> Deadline {
        Deadline::try_from(self.clock.elapsed().as_secs()).unwrap_or(Deadline::MAX)
    }

    /// Rounds up: an entry expires up to a second late, never early.
    fn deadline(&self, expires_in: u64) -> Deadline {
        let seconds = Deadline::try_from(expires_in).unwrap_or(Deadline::MAX);
        self.now().saturating_add(1).saturating_add(seconds)
    }
}

impl fmt::Debug for RevocationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationSet")
            .field("entries", &self.len())
            .field("age", &self.age())
            .field("staleness", &self.0.staleness)
            .finish_non_exhaustive()
    }
}
