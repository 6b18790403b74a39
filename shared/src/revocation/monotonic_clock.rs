//! Monotonic time, for durations: setting the time of day does not affect it, and it runs while the machine is
//! suspended.

use std::fmt::Debug;
#[cfg(feature = "testing")]
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The clock of a set of revocations.
pub trait MonotonicClock: Send + Sync + Debug + 'static {
    /// Returns the time since a fixed origin. Never decreases.
    fn elapsed(&self) -> Duration;
}

/// On Linux, `CLOCK_MONOTONIC` stops during a suspension. On macOS it runs, and [`std::time::Instant`] stops.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The operating system's monotonic clock. Its origin is the moment of its creation. On Linux and macOS it also runs
/// while the machine is suspended, so that a suspension counts in the age of the feed.
#[derive(Debug, Clone, Copy)]
pub struct SystemMonotonicClock {
    start: Duration,
}

impl Default for SystemMonotonicClock {
    fn default() -> Self {
        Self { start: read() }
    }
}

impl MonotonicClock for SystemMonotonicClock {
    fn elapsed(&self) -> Duration {
        read().saturating_sub(self.start)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn read() -> Duration {
    let time = clock_gettime(CLOCK);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
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
