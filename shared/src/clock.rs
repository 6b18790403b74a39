//! The clock that decisions about tokens use, so that tests can control the time.

use chrono::{DateTime, Utc};
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

#[cfg(feature = "testing")]
pub use crate::manual_clock::ManualClock;

/// A source of the time of day.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;

    /// The current time in microseconds since 1970, at most one kernel tick behind (1 to 10 ms, more while the machine
    /// stalls). Faster than [`now`](Self::now), and precise enough to compare with whole seconds.
    fn coarse_micros(&self) -> i64 {
        self.now().timestamp_micros()
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only place that asks the operating system")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[cfg(target_os = "linux")]
    #[expect(clippy::disallowed_methods, reason = "the only place that asks the operating system")]
    fn coarse_micros(&self) -> i64 {
        let tick = clock_gettime(ClockId::RealtimeCoarse);
        tick.tv_sec.saturating_mul(1_000_000).saturating_add(tick.tv_nsec / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_microseconds_is_a_tick_behind_and_never_ahead() {
        for _ in 0..1_000 {
            let before = SystemClock.now().timestamp_micros();
            let tick = SystemClock.coarse_micros();
            let after = SystemClock.now().timestamp_micros();
            assert!((before - 100_000..=after).contains(&tick), "{tick} between {before} and {after}");
        }
    }
}
