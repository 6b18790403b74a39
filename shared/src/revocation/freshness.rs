//! How old what is known is: as old as what auth-server last read, and then the time that passed on the way here and since.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const NEVER: i64 = i64::MIN;

/// As of when everything is known, in milliseconds on the clock of the set. Only moves forward.
#[derive(Debug)]
pub(super) struct Freshness(AtomicI64);

impl Freshness {
    pub(super) fn unknown() -> Self {
        Self(AtomicI64::new(NEVER))
    }

    /// Everything that ended until `age` before `now` is known.
    pub(super) fn known(&self, now: Duration, age: Duration) {
        // What was known as of a moment is not forgotten when another server is further behind.
        self.0.fetch_max(millis(now).saturating_sub(millis(age)).max(NEVER + 1), Ordering::Relaxed);
    }

    /// Nothing before it was known for the first time.
    pub(super) fn age(&self, now: Duration) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            NEVER => None,
            as_of => Some(Duration::from_millis(
                u64::try_from(millis(now).saturating_sub(as_of)).unwrap_or_default(),
            )),
        }
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn age_is_what_was_said_and_what_has_passed_since_and_never_turns_back() {
        let freshness = Freshness::unknown();
        assert_eq!(freshness.age(at(1_000)), None);
        freshness.known(at(1_000), at(300));
        assert_eq!(freshness.age(at(1_000)), Some(at(300)));
        assert_eq!(freshness.age(at(61_000)), Some(at(60_300)));
        freshness.known(at(61_000), at(u64::MAX));
        assert_eq!(freshness.age(at(61_000)), Some(at(60_300)), "what was known is not forgotten");
        freshness.known(at(62_000), at(0));
        assert_eq!(freshness.age(at(62_000)), Some(at(0)));
        let ancient = Freshness::unknown();
        ancient.known(at(0), at(u64::MAX));
        assert!(ancient.age(at(0)).unwrap() > Duration::from_hours(24 * 365));
    }
}
