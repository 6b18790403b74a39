//! The clock that decisions about tokens use, so that tests can control the time.

#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(feature = "testing")]
use std::sync::{Arc, OnceLock};

#[cfg(feature = "testing")]
use chrono::TimeDelta;
use chrono::{DateTime, Utc};
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// A source of the time of day.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;

    /// The current time in microseconds since 1970. May be one kernel tick behind (1 to 10 ms, more while the machine
    /// stalls), which is precise enough for comparing with whole seconds and faster.
    fn micros(&self) -> i64 {
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
    fn micros(&self) -> i64 {
        let tick = clock_gettime(ClockId::RealtimeCoarse);
        tick.tv_sec.saturating_mul(1_000_000).saturating_add(tick.tv_nsec / 1_000)
    }
}

/// The operating system's clock, or a stopped one, plus an offset that a test controls. Clones share both.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    stopped_at: Arc<OnceLock<DateTime<Utc>>>,
    ahead_micros: Arc<AtomicI64>,
}

#[cfg(feature = "testing")]
impl ManualClock {
    /// A clock that is stopped at `time`.
    pub fn stopped_at(time: DateTime<Utc>) -> Self {
        let clock = Self::default();
        clock.stop_at(time);
        clock
    }

    /// Sets the clock to `time` and stops it. Only [`advance`](Self::advance) moves it afterwards.
    pub fn stop_at(&self, time: DateTime<Utc>) {
        let _ = self.stopped_at.set(time);
    }

    /// Adds `by` to the offset.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead_micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// The offset.
    pub fn ahead(&self) -> TimeDelta {
        TimeDelta::microseconds(self.ahead_micros.load(Ordering::SeqCst))
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.stopped_at.get().copied().unwrap_or_else(|| SystemClock.now()) + self.ahead()
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
