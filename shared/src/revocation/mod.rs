//! The revocation feed: how a service learns, within moments, of what was ended before its time.
//!
//! auth-server writes what [`Entry`] says, as events or as pages; whoever follows keeps a set of it, [`Revocations`],
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
pub use feed::{Feed, Pace};
pub use feed_secrets::FeedSecrets;
#[cfg(feature = "feed")]
pub use follower::FeedFollower;
pub use monotonic::{ManualMonotonic, Monotonic, SystemMonotonic};
pub use revocations::{Full, MAX_ENTRIES, NotReady, Revocations};
pub use staleness::{OnStale, Staleness};
pub use wire::{
    Batch, Beat, CAUGHT_UP, Entry, HEARTBEAT, HEARTBEAT_EVERY, KEYS, Kind, MAX_ENTRIES_A_PAGE,
    MAX_ENTRIES_AN_EVENT, PATH, Page, REVOCATIONS,
};
