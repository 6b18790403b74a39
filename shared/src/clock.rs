//! Time is asked for, not grabbed: whoever decides about a token is given a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// Where a process gets the time of day from.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The time now, in UTC.
    fn now(&self) -> DateTime<Utc>;

    /// The same in microseconds since 1970, or a tick of the kernel less (1 to 10 ms, more where the machine stalls), for whoever only
    /// compares it with whole seconds: that takes less time to find out.
    fn micros(&self) -> i64 {
        self.now().timestamp_micros()
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[cfg(target_os = "linux")]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
    fn micros(&self) -> i64 {
        let tick = clock_gettime(ClockId::RealtimeCoarse);
        tick.tv_sec.saturating_mul(1_000_000).saturating_add(tick.tv_nsec / 1_000)
    }
}

/// The operating system's clock, moved by as much as a test says. Clones move together.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    ahead_micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// Moves the time on, or back when `by` is negative.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead_micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// How far it is ahead of the operating system's clock.
    pub fn ahead(&self) -> TimeDelta {
        TimeDelta::microseconds(self.ahead_micros.load(Ordering::SeqCst))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.ahead()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_microseconds_is_a_tick_behind_and_never_ahead() {
        for _ in 0..1_000 {
            let before = SystemClock.now().timestamp_micros();
            let tick = SystemClock.micros();
            let after = SystemClock.now().timestamp_micros();
            assert!((before - 100_000..=after).contains(&tick), "{tick} between {before} and {after}");
        }
    }
}
