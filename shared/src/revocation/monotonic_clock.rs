//! Monotonic time, for durations: setting the time of day does not affect it.

use std::fmt::Debug;
#[cfg(feature = "testing")]
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The clock of a set of revocations.
pub trait MonotonicClock: Send + Sync + Debug + 'static {
    /// Returns the time since a fixed origin. Never decreases.
    fn elapsed(&self) -> Duration;
}

/// The operating system's monotonic clock. Its origin is the moment of its creation.
#[derive(Debug, Clone, Copy)]
pub struct SystemMonotonicClock {
    start: Instant,
}

impl Default for SystemMonotonicClock {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let start = Instant::now();
        Self { start }
    }
}

impl MonotonicClock for SystemMonotonicClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The operating system's monotonic clock plus an offset that a test controls. Clones share the offset.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, Default)]
pub struct ManualMonotonicClock {
    system: SystemMonotonicClock,
    offset_millis: Arc<AtomicU64>,
}

#[cfg(feature = "testing")]
impl ManualMonotonicClock {
    /// Adds to the offset.
    pub fn advance(&self, by: Duration) {
        self.offset_millis.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

#[cfg(feature = "testing")]
impl MonotonicClock for ManualMonotonicClock {
    fn elapsed(&self) -> Duration {
        self.system.elapsed() + Duration::from_millis(self.offset_millis.load(Ordering::SeqCst))
    }
}
