//! When the tail last read the database: the age that heartbeats report, and that new subscribers wait for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use goptri::revocation::{Heartbeat, MonotonicClock};
use tokio::sync::{Notify, watch};

/// What the tail has read, and when. Clones share their state.
#[derive(Debug, Clone)]
pub(super) struct TailHealth {
    clock: Arc<dyn MonotonicClock>,
    started: Duration,
    /// The start of the last successful read. `None`: none since the first of the current subscribers registered.
    last_read: Arc<watch::Sender<Option<Duration>>>,
    read_requested: Arc<Notify>,
    /// The nodes of the database that the last read could not read.
    unread: Arc<Mutex<Vec<String>>>,
}

impl TailHealth {
    pub(super) fn new(clock: Arc<dyn MonotonicClock>) -> Self {
        let started = clock.elapsed();
        let last_read = Arc::new(watch::channel(None).0);
        Self { clock, started, last_read, read_requested: Arc::default(), unread: Arc::default() }
    }

    /// The clock's time, for [`record_read`](Self::record_read) and [`wait_for_read`](Self::wait_for_read).
    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Records a complete read that began at `began`.
    pub(super) fn record_read(&self, began: Duration) {
        self.lock_unread().clear();
        self.last_read.send_replace(Some(began));
    }

    /// Records a read of all nodes of the database but these. The age of the last complete read continues to grow.
    /// Returns whether these nodes differ from those that the previous read could not read.
    pub(super) fn record_partial_read(&self, unread: Vec<String>) -> bool {
        let changed = *self.lock_unread() != unread;
        *self.lock_unread() = unread;
        changed
    }

    /// The nodes of the database that the last read could not read. Empty without subscribers.
    pub(super) fn unread_nodes(&self) -> Vec<String> {
        self.lock_unread().clone()
    }

    fn lock_unread(&self) -> MutexGuard<'_, Vec<String>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the tail has stopped reading, since there are no subscribers.
    pub(super) fn pause(&self) {
        self.lock_unread().clear();
        self.last_read.send_replace(None);
    }

    /// Waits until a subscriber requests a read.
    pub(super) async fn read_requested(&self) {
        self.read_requested.notified().await;
    }

    /// Requests a read, and waits for one that began at `since` or later.
    pub(super) async fn wait_for_read(&self, since: Duration) {
        let mut last_read = self.last_read.subscribe();
        self.read_requested.notify_one();
        // Fails only without a sender, and `self` is one.
        let _ = last_read.wait_for(|began| began.is_some_and(|began| began >= since)).await;
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.last_read.borrow().map(|began| self.now().saturating_sub(began))
    }

    /// The heartbeat of this moment.
    pub(super) fn heartbeat(&self) -> Heartbeat {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let uptime = self.now().saturating_sub(self.started);
        // Before the first read, everything since the start may be missing.
        Heartbeat { age_ms: millis(self.age().unwrap_or(uptime)), uptime_ms: millis(uptime) }
    }
}

#[cfg(test)]
mod tests {
    use goptri::revocation::ManualMonotonicClock;

    use super::*;

    #[test]
    fn a_heartbeat_reports_the_age_of_the_last_read_or_the_uptime_without_one() {
        let clock = ManualMonotonicClock::default();
        let health = TailHealth::new(Arc::new(clock.clone()));
        let seconds = |health: &TailHealth| {
            let heartbeat = health.heartbeat();
            (heartbeat.age_ms / 1_000, heartbeat.uptime_ms / 1_000)
        };
        clock.advance(Duration::from_secs(10));
        assert_eq!((seconds(&health), health.age()), ((10, 10), None));
        health.record_read(health.now());
        clock.advance(Duration::from_secs(5));
        assert_eq!(seconds(&health), (5, 15));
        let down = vec!["127.0.0.1:9701".to_owned()];
        assert!(health.record_partial_read(down.clone()));
        assert!(!health.record_partial_read(down.clone()), "nothing new");
        assert_eq!(
            (seconds(&health), health.unread_nodes()),
            ((5, 15), down),
            "the age is that of the last complete read"
        );
        health.record_read(health.now());
        assert_eq!((seconds(&health), health.unread_nodes()), ((0, 15), Vec::new()));
        health.pause();
        assert_eq!((seconds(&health), health.age()), ((15, 15), None));
    }
}
