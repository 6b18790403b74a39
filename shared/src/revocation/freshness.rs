//! The age of the set: the age that auth-server stated, plus the transit delay, plus the time since.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const NEVER: i64 = i64::MIN;

/// The moment up to which every revocation is known, in milliseconds on the clock of the set. Only moves forward.
#[derive(Debug)]
pub(super) struct Freshness(AtomicI64);

impl Freshness {
    pub(super) fn unknown() -> Self {
        Self(AtomicI64::new(NEVER))
    }

    /// Records that every revocation up to `age` before `now` is known. A server that is further behind does not move
    /// the moment back.
    pub(super) fn set_age(&self, now: Duration, age: Duration) {
        self.0.fetch_max(millis(now).saturating_sub(millis(age)).max(NEVER + 1), Ordering::Relaxed);
    }

    /// Returns whether the set was complete at least once. Reads no clock.
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NEVER
    }

    /// Returns `None` until the set was complete for the first time.
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
    fn the_age_is_the_stated_age_plus_the_time_since_and_the_moment_never_moves_back() {
        let freshness = Freshness::unknown();
        assert_eq!(freshness.age(at(1_000)), None);
        freshness.set_age(at(1_000), at(300));
        assert_eq!(freshness.age(at(1_000)), Some(at(300)));
        assert_eq!(freshness.age(at(61_000)), Some(at(60_300)));
        freshness.set_age(at(61_000), at(u64::MAX));
        assert_eq!(freshness.age(at(61_000)), Some(at(60_300)), "an older state changes nothing");
        freshness.set_age(at(62_000), at(0));
        assert_eq!(freshness.age(at(62_000)), Some(at(0)));
        let ancient = Freshness::unknown();
        ancient.set_age(at(0), at(u64::MAX));
        assert!(ancient.age(at(0)).unwrap() > Duration::from_hours(24 * 365));
    }
}
