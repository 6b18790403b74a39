//! Estimates how long a message spent in buffers.
//!
//! The clocks of the two ends differ, but they run at the same speed. So a message was delayed if it arrives later than
//! its `uptime_ms` implies. This includes messages that wait in a buffer while the process is suspended.

use std::time::Duration;

use super::Heartbeat;
use super::freshness::millis;

/// The transit delays of one connection, relative to its fastest message so far. The first message counts as undelayed,
/// so auth-server sends one before it does anything that takes time.
#[derive(Debug, Default)]
pub(super) struct TransitDelayEstimator {
    /// The smallest offset (arrival minus uptime), and when it was measured, in milliseconds.
    least: Option<(i64, i64)>,
}

/// Two clocks may drift apart by one millisecond in this many, which must not look like a growing delay.
const DRIFT: i64 = 1_000;

impl TransitDelayEstimator {
    /// Returns the age of the feed's state at `now`, when `heartbeat` is read: the age that it states plus its delay.
    pub(super) fn age(&mut self, heartbeat: Heartbeat, now: Duration) -> Duration {
        let now = millis(now);
        let offset = now.saturating_sub(i64::try_from(heartbeat.uptime_ms).unwrap_or(i64::MAX));
        let expected =
            self.least.map_or(offset, |(least, at)| least.saturating_add(now.saturating_sub(at) / DRIFT));
        if offset <= expected {
            self.least = Some((offset, now));
        }
        let delay = u64::try_from(offset.saturating_sub(expected)).unwrap_or_default();
        Duration::from_millis(heartbeat.age_ms.saturating_add(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn time_in_a_buffer_counts_as_age() {
        let table = [
            // (arrival, the server's uptime when it was sent, expected age)
            (10_000, 500_000, 0),
            (15_040, 505_000, 35), // 40 ms late, 5 of them tolerated as drift
            (19_990, 510_000, 0),
            // Suspended for 14 s; then everything that was sent in that time arrives together.
            (38_990, 515_000, 13_981),
            (38_990, 520_000, 8_981),
            (38_990, 525_000, 3_981),
            (39_990, 530_000, 0),
        ];
        let mut delays = TransitDelayEstimator::default();
        for (read, uptime_ms, age) in table {
            let heartbeat = Heartbeat { age_ms: 0, uptime_ms };
            assert_eq!(delays.age(heartbeat, at(read)), at(age), "read at {read}");
        }
        let heartbeat = Heartbeat { age_ms: 700, uptime_ms: 535_000 };
        assert_eq!(delays.age(heartbeat, at(44_990)), at(700), "the server's own age is added");
    }

    #[test]
    fn clock_drift_is_not_taken_for_a_delay() {
        for (read, sent) in [(5_001, 5_000), (5_000, 5_001), (5_000, 5_000)] {
            let mut delays = TransitDelayEstimator::default();
            for number in 0..200_000_u64 {
                let heartbeat = Heartbeat { age_ms: 0, uptime_ms: number * sent };
                assert!(delays.age(heartbeat, at(number * read)) < at(100), "after {number} heartbeats");
            }
        }
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let mut delays = TransitDelayEstimator::default();
        for uptime_ms in [u64::MAX, 0, i64::MAX as u64, 1, u64::MAX] {
            for age_ms in [u64::MAX, 0] {
                assert!(delays.age(Heartbeat { age_ms, uptime_ms }, at(5)) >= at(age_ms));
                let _ = delays.age(Heartbeat { age_ms, uptime_ms }, Duration::MAX);
            }
        }
    }
}
