//! Time is asked for, not grabbed: whoever decides about a token is given a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};

/// Where a process gets the time of day from.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The time now, in UTC.
    fn now(&self) -> DateTime<Utc>;

    /// The same in microseconds since 1970, for whoever only compares: of what date they are takes longer to find out than to
    /// ask for them.
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

    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
    fn micros(&self) -> i64 {
        // Before 1970, tokens are not valid yet, as they are not at 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
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
