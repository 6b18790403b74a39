//! The revocation feed: how a service learns, within moments, of what was ended before its time.
//!
//! auth-server writes what [`Entry`] says, as events or as pages; whoever follows keeps a set of it, [`RevocationSet`],
//! which a [`Guard`](crate::Guard) asks. With the feature `feed`, `FeedFollower` keeps it up to date.

mod clients;
#[cfg(feature = "feed")]
mod connection;
#[cfg(feature = "feed")]
mod delays;
#[cfg(feature = "feed")]
mod events;
#[cfg(feature = "feed")]
mod feed;
mod feed_secrets;
#[cfg(feature = "feed")]
mod follower;
mod freshness;
mod ids;
mod monotonic;
mod revocations;
mod staleness;
mod wire;

#[cfg(feature = "feed")]
pub use feed::{FeedSource, FeedTimeouts};
pub use feed_secrets::FeedSecrets;
#[cfg(feature = "feed")]
pub use follower::FeedFollower;
pub use monotonic::{ManualMonotonicClock, MonotonicClock, SystemMonotonicClock};
pub use revocations::{CapacityExceeded, FeedNotReady, MAX_ENTRIES, RevocationSet};
pub use staleness::{OnStale, StalenessPolicy};
pub use wire::{
    Batch, CAUGHT_UP, Entry, EntryKind, HEARTBEAT, HEARTBEAT_INTERVAL, Heartbeat, KEYS,
    MAX_ENTRIES_PER_EVENT, MAX_ENTRIES_PER_PAGE, PATH, Page, REVOCATIONS,
};
