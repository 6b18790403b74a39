//! Follows the feed on its own thread: it needs no async runtime of the program and blocks none.

use std::io;
use std::time::Duration;

use goptri_settings::{Backoff, TaskHealth};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::connection::follow_once;
use super::feed_log::FeedLog;
use super::feed_source::FeedSource;
use super::revocation_set::RevocationSet;
use super::staleness::OnStale;
use crate::background_thread::BackgroundThread;

/// Time between two rounds of maintenance: each sweeps one shard of the set and checks whether the set is stale.
const MAINTENANCE_INTERVAL: Duration = Duration::from_millis(100);

/// Keeps a set of revocations up to date until it is dropped.
#[derive(Debug)]
pub struct FeedFollower {
    revocations: RevocationSet,
    thread: BackgroundThread,
}

/// Marks the set as disconnected when the follower stops or panics.
struct DisconnectOnDrop(RevocationSet);

impl Drop for DisconnectOnDrop {
    fn drop(&mut self) {
        self.0.set_connected(false);
    }
}

impl FeedFollower {
    /// Starts to follow `feed`. Reconnects forever; during an outage the set keeps its entries.
    ///
    /// # Errors
    /// When the operating system cannot create a thread.
    pub fn start(feed: FeedSource, revocations: RevocationSet) -> io::Result<Self> {
        let set = revocations.clone();
        let thread = BackgroundThread::start("goptri-feed", move || {
            let (feed, on_drop) = (feed.clone(), DisconnectOnDrop(set.clone()));
            async move {
                let DisconnectOnDrop(set) = &on_drop;
                tokio::select! {
                    () = follow(&feed, set) => {}
                    () = maintain(set) => {}
                }
            }
        })?;
        Ok(Self { revocations, thread })
    }

    /// Says whether the follower is down: whether it panicked and is being restarted.
    pub fn health(&self) -> &TaskHealth {
        self.thread.health()
    }

    /// Returns the set that this follower keeps up to date.
    pub fn revocations(&self) -> &RevocationSet {
        &self.revocations
    }
}

async fn follow(feed: &FeedSource, revocations: &RevocationSet) {
    let new_backoff = || Backoff::new(feed.timeouts.min_backoff, feed.timeouts.max_backoff);
    let mut backoff = new_backoff();
    let url = feed.url();
    let mut log = FeedLog::new(&url, revocations);
    loop {
        let (reason, was_stable) = follow_once(feed, revocations, &mut log).await;
        log.disconnected(&reason);
        if was_stable {
            backoff = new_backoff();
        }
        sleep(backoff.next()).await;
    }
}

/// Sweeps the set, and logs when it becomes stale and when it is fresh again.
async fn maintain(revocations: &RevocationSet) {
    let mut ticks = interval(MAINTENANCE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_stale = false;
    for shard in (0..RevocationSet::SHARDS).cycle() {
        ticks.tick().await;
        if !revocations.is_empty() {
            revocations.sweep(shard);
        }
        // Until the first `caught-up`, readiness reports the state.
        let Some(age) = revocations.age() else { continue };
        let stale = revocations.is_stale();
        if stale != was_stale {
            log_staleness(stale, age.as_secs(), revocations.staleness().on_stale);
        }
        was_stale = stale;
    }
}

fn log_staleness(stale: bool, age_seconds: u64, on_stale: OnStale) {
    match (stale, on_stale) {
        (false, _) => tracing::info!("the revocation set is fresh again"),
        (true, OnStale::Allow) => tracing::warn!(
            age_seconds,
            "the revocation set is stale; ON_STALE=allow: access tokens revoked since are accepted until they expire"
        ),
        (true, OnStale::Refuse) => tracing::error!(
            age_seconds,
            "the revocation set is stale; ON_STALE=refuse: no access token is accepted"
        ),
    }
}
