//! When the tail last read successfully: what a follower goes by when it asks itself how much it may have missed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use goptri::revocation::Heartbeat;
use tokio::sync::{Notify, watch};

/// Clones are the same pulse.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    /// When the last read that succeeded began. `None`: none has since anybody subscribed.
    last: Arc<watch::Sender<Option<Instant>>>,
    wanted: Arc<Notify>,
    started: Instant,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { last: Arc::new(watch::channel(None).0), wanted: Arc::default(), started: Instant::now() }
    }

    /// A read that began then has succeeded.
    pub(super) fn read(&self, began: Instant) {
        self.last.send_replace(Some(began));
    }

    /// Nobody reads any more.
    pub(super) fn stop(&self) {
        self.last.send_replace(None);
    }

    /// Somebody waits for the next read.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Waits for a read that began at `since` or later, and asks for one.
    pub(super) async fn read_since(&self, since: Instant) {
        let mut last = self.last.subscribe();
        self.wanted.notify_one();
        // The sender lives as long as this does.
        let _ = last.wait_for(|began| began.is_some_and(|began| began >= since)).await;
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.last.borrow().map(|began| began.elapsed())
    }

    /// What a beat says now.
    pub(super) fn beat(&self) -> Heartbeat {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // Before the first read, everything may be missing.
        let uptime = self.started.elapsed();
        Heartbeat { age_ms: millis(self.age().unwrap_or(uptime)), uptime_ms: millis(uptime) }
    }
}
