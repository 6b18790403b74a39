//! What is known to have ended before its time: a set that only unions, and whose entries expire.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::clients::Clients;
use super::freshness::Freshness;
use super::ids::{Deadline, Ids, SHARDS};
use super::monotonic::{MonotonicClock, SystemMonotonicClock};
use super::staleness::{OnStale, StalenessPolicy};
use super::{Entry, EntryKind};
use crate::{AccessClaims, TokenError};

/// More than this is taken for a mistake: it is more than a gigabyte, for 6,000 sign-outs every second.
pub const MAX_ENTRIES: usize = 50_000_000;

/// The set, and how old it is. Clones share it.
///
/// Nothing in it depends on the time of day: an entry is kept for `expires_in` on the set's own clock, which only goes
/// forward.
#[derive(Clone)]
pub struct RevocationSet(Arc<Shared>);

struct Shared {
    sessions: Ids,
    tokens: Ids,
    clients: Clients,
    held: AtomicUsize,
    most: usize,
    freshness: Freshness,
    connected: AtomicBool,
    staleness: StalenessPolicy,
    clock: Arc<dyn MonotonicClock>,
}

/// The set holds as many entries as it may. What it holds is kept; what is missing is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {0} revocations, the most that are kept in memory")]
pub struct CapacityExceeded(usize);

/// Why a service that follows the feed should not be asked yet, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedNotReady {
    /// Not everything was read even once.
    #[error("waits for the revocation feed: not everything that was ended is known yet")]
    NotCaughtUp,
    /// The feed was not heard for too long, and `ON_STALE` is `refuse`.
    #[error("the revocation feed was not heard for {} s, longer than REVOCATION_MAX_STALENESS", .0.as_secs())]
    Stale(Duration),
}

impl Default for RevocationSet {
    fn default() -> Self {
        Self::new(StalenessPolicy::default(), Arc::new(SystemMonotonicClock::default()))
    }
}

impl RevocationSet {
    /// An empty set, which knows of nothing yet.
    pub fn new(staleness: StalenessPolicy, clock: Arc<dyn MonotonicClock>) -> Self {
        Self::with_room_for(MAX_ENTRIES, staleness, clock)
    }

    /// The same with another limit than [`MAX_ENTRIES`].
    pub fn with_room_for(most: usize, staleness: StalenessPolicy, clock: Arc<dyn MonotonicClock>) -> Self {
        Self(Arc::new(Shared {
            sessions: Ids::new(),
            tokens: Ids::new(),
            clients: Clients::default(),
            held: AtomicUsize::new(0),
            most,
            freshness: Freshness::unknown(),
            connected: AtomicBool::new(false),
            staleness,
            clock,
        }))
    }

    /// Adds an end. What is known already is kept for as long as the later of the two says.
    ///
    /// # Errors
    /// When there is no room; then the set must not be taken for complete.
    pub fn insert(&self, entry: &Entry) -> Result<(), CapacityExceeded> {
        let shared = &*self.0;
        if entry.expires_in == 0 {
            return Ok(());
        }
        // Counted first: whoever sweeps it away at once must find it counted.
        if shared.held.fetch_add(1, Ordering::Relaxed) >= shared.most {
            shared.held.fetch_sub(1, Ordering::Relaxed);
            return Err(CapacityExceeded(shared.most));
        }
        let deadline = shared.deadline(entry.expires_in);
        let new = match entry.kind {
            EntryKind::Session => shared.sessions.insert(&entry.subject, deadline),
            EntryKind::Token => shared.tokens.insert(&entry.subject, deadline),
            EntryKind::Client => shared.clients.insert(&entry.subject, entry.revoked_at, deadline),
        };
        if !new {
            shared.held.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether what these claims stand for was ended.
    ///
    /// By `sid`, `jti` and `client_id`, never by the token's text, which may have more than one spelling.
    pub fn revokes(&self, claims: &AccessClaims) -> bool {
        let shared = &*self.0;
        if shared.held.load(Ordering::Relaxed) == 0 {
            return false;
        }
        // Nearly always there is none of these, and what time it is need not be asked.
        let lives = |deadline: Deadline| shared.now() < deadline;
        claims.sid.as_ref().and_then(|sid| shared.sessions.deadline(sid)).is_some_and(lives)
            || shared.tokens.deadline(&claims.jti).is_some_and(lives)
            || shared.clients.deadline(&claims.client_id, claims.iat).is_some_and(lives)
    }

    /// Refuses what was ended; and everything while the set is stale, if it is so configured.
    pub fn check(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        if self.revokes(claims) {
            return Err(TokenError::RevocationRecord);
        }
        match self.0.staleness.on_stale {
            OnStale::Refuse if self.is_stale() => Err(TokenError::Stale),
            _ => Ok(()),
        }
    }

    /// How long ago everything was known; nothing before that was so for the first time.
    pub fn age(&self) -> Option<Duration> {
        self.0.freshness.age(self.0.clock.elapsed())
    }

    /// Whether it is older than it may be, or was never complete.
    pub fn is_stale(&self) -> bool {
        self.age().is_none_or(|age| age > self.0.staleness.max_age)
    }

    /// What `REVOCATION_MAX_STALENESS` and `ON_STALE` are.
    pub fn staleness(&self) -> StalenessPolicy {
        self.0.staleness
    }

    /// Whether a service that follows the feed should be asked.
    pub fn ready(&self) -> Result<(), FeedNotReady> {
        match (self.age(), self.0.staleness) {
            (None, _) => Err(FeedNotReady::NotCaughtUp),
            (Some(age), StalenessPolicy { max_age: max, on_stale: OnStale::Refuse }) if age > max => {
                Err(FeedNotReady::Stale(age))
            }
            _ => Ok(()),
        }
    }

    /// Whether the feed is heard right now, and has caught up.
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Relaxed)
    }

    /// How many entries are held. One that has expired counts until it is swept.
    pub fn len(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything that ended until `age` ago has been inserted.
    pub fn known_as_of(&self, age: Duration) {
        self.0.freshness.known(self.0.clock.elapsed(), age);
    }

    /// Removes what has expired from one of the slices, of which there are [`SLICES`](Self::SLICES).
    pub fn sweep(&self, slice: usize) {
        let shared = &*self.0;
        let (slice, now) = (slice % SHARDS, shared.now());
        let mut gone = shared.sessions.sweep(slice, now) + shared.tokens.sweep(slice, now);
        if slice == 0 {
            gone += shared.clients.sweep(now);
        }
        shared.held.fetch_sub(gone, Ordering::Relaxed);
    }

    /// Into how many slices sweeping is divided, so that nobody waits for all of it.
    pub const SLICES: usize = SHARDS;

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

    /// Up to a second late, and never early.
    fn deadline(&self, expires_in: u64) -> Deadline {
        let seconds = Deadline::try_from(expires_in).unwrap_or(Deadline::MAX);
        self.now().saturating_add(1).saturating_add(seconds)
    }
}

impl fmt::Debug for RevocationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("entries", &self.len())
            .field("age", &self.age())
            .field("staleness", &self.0.staleness)
            .finish_non_exhaustive()
    }
}
