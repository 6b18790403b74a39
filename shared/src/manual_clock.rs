//! A clock that tests control.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, SystemClock};

/// The operating system's clock, or a stopped one, plus an offset that a test controls. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    stopped_at: Arc<OnceLock<DateTime<Utc>>>,
    offset_micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that is stopped at `time`.
    pub fn stopped_at(time: DateTime<Utc>) -> Self {
        let clock = Self::default();
        clock.stop_at(time);
        clock
    }

    /// Stops the clock at `time` plus the offset. Only [`advance`](Self::advance) moves it afterwards; another call of
    /// this method does nothing.
    pub fn stop_at(&self, time: DateTime<Utc>) {
        let _ = self.stopped_at.set(time);
    }

    /// Adds `by` to the offset.
    pub fn advance(&self, by: TimeDelta) {
        self.offset_micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// The offset.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.offset_micros.load(Ordering::SeqCst))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.stopped_at.get().copied().unwrap_or_else(|| SystemClock.now()) + self.offset()
    }
}
