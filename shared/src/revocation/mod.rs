//! The revocation feed: how a service learns, within moments, of what was ended before its time.
//!
//! auth-server writes what [`Entry`] says, as events or as pages; whoever follows keeps a set of it.

mod feed_secrets;
mod wire;

pub use feed_secrets::FeedSecrets;
pub use wire::{
    Batch, Beat, CAUGHT_UP, Entry, HEARTBEAT, HEARTBEAT_EVERY, KEYS, Kind, MAX_ENTRIES_A_PAGE,
    MAX_ENTRIES_AN_EVENT, PATH, Page, REVOCATIONS,
};
