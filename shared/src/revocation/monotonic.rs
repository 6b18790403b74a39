//! Time that only goes forward, for how long something lasts: setting the time of day does not touch it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where a set of revocations gets its time from.
pub trait MonotonicClock: Send + Sync + Debug + 'static {
    /// How long ago it began to count. Never less than before.
    fn elapsed(&self) -> Duration;
}

/// The operating system's monotonic clock, from when this was made.
#[derive(Debug, Clone, Copy)]
pub struct SystemMonotonicClock {
    start: Instant,
}

impl Default for SystemMonotonicClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl MonotonicClock for SystemMonotonicClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The operating system's monotonic clock, moved on by as much as a test says. Clones move together.
#[derive(Debug, Clone, Default)]
pub struct ManualMonotonicClock {
    system: SystemMonotonicClock,
    ahead_millis: Arc<AtomicU64>,
}

impl ManualMonotonicClock {
    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        self.ahead_millis.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl MonotonicClock for ManualMonotonicClock {
    fn elapsed(&self) -> Duration {
        self.system.elapsed() + Duration::from_millis(self.ahead_millis.load(Ordering::SeqCst))
    }
}
