//! Polls the database, and broadcasts new entries.

use std::sync::Arc;
use std::time::Duration;

use auth_store::{Cursor, Store, StoreError};
use tokio::time::{sleep, timeout};

use super::broadcaster::Broadcaster;
use super::events;
use super::seen::Seen;
use super::tail_health::TailHealth;

/// Interval between reads while there are subscribers. An entry that this server appends is read immediately.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The pause after a slow pass is as long as its reads, and at most this. While any transaction is open on a Postgres
/// server, each pass reads every entry since that transaction began.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The pause after a pass that could not read all nodes of a distributed database: such a pass connects to each node.
const PARTIAL_PAUSE: Duration = Duration::from_secs(1);

/// The first and the longest delay before a retry.
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Entries per statement.
const PAGE_SIZE: u32 = 1_000;

/// Reads the database on behalf of all subscribers.
pub(super) struct Tail {
    store: Arc<dyn Store>,
    broadcaster: Broadcaster,
    health: TailHealth,
    cursor: Option<Cursor>,
    /// The store returns entries again: while an old transaction is open, or because it reads by time.
    seen: Seen,
}

impl Tail {
    pub(super) fn new(store: Arc<dyn Store>, broadcaster: Broadcaster, health: TailHealth) -> Self {
        Self { store, broadcaster, health, cursor: None, seen: Seen::default() }
    }

    /// Never returns.
    pub(super) async fn run(mut self) {
        let mut backoff = MIN_BACKOFF;
        loop {
            if self.broadcaster.len() == 0 {
                self.health.pause();
                self.broadcaster.wait_for_subscriber().await;
                self.reset();
                // Subscribers read earlier entries themselves. On an error, the first pass starts at the oldest entry.
                self.cursor = self.store.newest_cursor().await.ok();
            }
            match self.pass().await {
                Ok(pause) => {
                    backoff = MIN_BACKOFF;
                    sleep(pause).await;
                    let _ = timeout(POLL_INTERVAL.saturating_sub(pause), self.work_arrives()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "revocation feed: cannot read the database; the age that followers see grows");
                    // After a failover, another database may answer, for which the cursor means nothing.
                    self.reset();
                    sleep(backoff).await;
                    backoff = (backoff * 2).min(MAX_BACKOFF);
                }
            }
        }
    }

    /// Waits until this server appends an entry, or a subscriber requests a read.
    async fn work_arrives(&self) {
        tokio::select! {
            () = self.store.wait_for_append() => {}
            () = self.health.read_requested() => {}
        }
    }

    fn reset(&mut self) {
        (self.cursor, self.seen) = (None, Seen::default());
    }

    /// Broadcasts the entries since the last pass. Returns the pause before the next one.
    async fn pass(&mut self) -> Result<Duration, StoreError> {
        let began = self.health.now();
        let (mut reading, mut unread) = (Duration::ZERO, Vec::new());
        loop {
            let asked = self.health.now();
            let page = self.store.follow_revocations(self.cursor.as_ref(), PAGE_SIZE).await?;
            reading += self.health.now().saturating_sub(asked);
            let mut entries = page.entries;
            entries.retain(|entry| self.seen.is_new(entry, asked));
            for chunk in events::revocations(entries, page.now) {
                self.broadcaster.broadcast(&chunk).await;
            }
            self.cursor = Some(page.next);
            unread.extend(page.unread);
            if !page.more {
                break;
            }
        }
        self.seen.prune(self.health.now());
        Ok(self.record_pass(began, reading, unread))
    }

    /// Records what a pass has read. Returns the pause before the next pass.
    fn record_pass(&self, began: Duration, reading: Duration, mut unread: Vec<String>) -> Duration {
        if unread.is_empty() {
            self.health.record_read(began);
            return pause_after(reading);
        }
        unread.sort();
        unread.dedup();
        let nodes = unread.join(", ");
        if self.health.record_partial_read(unread) {
            tracing::warn!(
                nodes,
                "revocation feed: cannot read these nodes of the database; entries of the others are sent, and the age \
                 that followers see grows"
            );
        }
        PARTIAL_PAUSE
    }
}

/// The pause after a pass whose reads took `reading`.
fn pause_after(reading: Duration) -> Duration {
    if reading <= POLL_INTERVAL { Duration::ZERO } else { reading.min(MAX_PAUSE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_pass_is_followed_by_a_pause_of_its_length_up_to_one_second() {
        for (reading, pause) in
            [(0, 0), (1, 0), (50, 0), (51, 51), (400, 400), (1_000, 1_000), (20_000, 1_000)]
        {
            let [reading, pause] = [reading, pause].map(Duration::from_millis);
            assert_eq!(pause_after(reading), pause, "after {reading:?}");
        }
    }
}
