//! The revocation feed: how a service learns within moments that a session, token or client was revoked.
//!
//! auth-server writes [`Entry`]s as events or as pages. A follower keeps them in a [`RevocationSet`], which a
//! [`Guard`](crate::Guard) consults on every check. With the feature `feed`, `FeedFollower` keeps the set up to date.

#[cfg(feature = "feed")]
mod connection;
#[cfg(feature = "feed")]
mod disconnect;
#[cfg(feature = "feed")]
mod feed_log;
mod feed_page;
mod feed_secrets;
#[cfg(feature = "feed")]
mod feed_source;
#[cfg(feature = "feed")]
mod follower;
mod freshness;
mod monotonic_clock;
mod revocation_set;
mod revoked_clients;
mod revoked_ids;
#[cfg(feature = "feed")]
mod sse;
mod staleness;
#[cfg(feature = "feed")]
mod transit_delay;
mod wire;

pub use feed_page::{FeedPage, MAX_ENTRIES_PER_PAGE};
pub use feed_secrets::FeedSecrets;
#[cfg(feature = "feed")]
pub use feed_source::{FeedSource, FeedTimeouts};
#[cfg(feature = "feed")]
pub use follower::FeedFollower;
#[cfg(feature = "testing")]
pub use monotonic_clock::ManualMonotonicClock;
pub use monotonic_clock::{MonotonicClock, SystemMonotonicClock};
pub use revocation_set::{CapacityExceeded, FeedNotReady, MAX_ENTRIES, RevocationSet};
pub use staleness::{OnStale, StalenessPolicy};
pub use wire::{
    Batch, CAUGHT_UP, Entry, EntryKind, FEED_PATH, HEARTBEAT, HEARTBEAT_INTERVAL, Heartbeat, KEYS,
    MAX_ENTRIES_PER_EVENT, REVOCATIONS,
};
