//! How long a message lay in a buffer. The clocks of the two ends never show the same, but they run alike: what comes later
//! than its `uptime_ms` promised was delayed. So is everything that a process reads when it goes on after a stop.

use std::time::Duration;

use super::Heartbeat;
use super::freshness::millis;

/// The delays of the messages of one connection. The first is taken for undelayed, so auth-server sends one before it does
/// anything that takes time.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The least difference between when a message came and its uptime, and when that was.
    least: Option<(i64, i64)>,
}

/// Two clocks may run differently by one part in so many, and that is not taken for a delay that grows by and by.
const DRIFT: i64 = 1_000;

impl Delays {
    /// How old what `beat` says is, when it is read at `now`.
    pub(super) fn age(&mut self, beat: Heartbeat, now: Duration) -> Duration {
        let now = millis(now);
        let difference = now.saturating_sub(i64::try_from(beat.uptime_ms).unwrap_or(i64::MAX));
        let expected =
            self.least.map_or(difference, |(least, at)| least.saturating_add(now.saturating_sub(at) / DRIFT));
        if difference <= expected {
            self.least = Some((difference, now));
        }
        let delay = u64::try_from(difference.saturating_sub(expected)).unwrap_or_default();
        Duration::from_millis(beat.age_ms.saturating_add(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_lay_in_a_buffer_is_as_old_as_it_is() {
        let table = [
            // (when it is read, the server's uptime when it was sent, how old it is)
            (10_000, 500_000, 0),
            (15_040, 505_000, 35), // 40 ms late, of which 5 may be drift
            (19_990, 510_000, 0),
            // Stopped for 14 seconds; then all that was sent meanwhile, at once.
            (38_990, 515_000, 13_981),
            (38_990, 520_000, 8_981),
            (38_990, 525_000, 3_981),
            (39_990, 530_000, 0),
        ];
        let mut delays = Delays::default();
        for (read, uptime_ms, age) in table {
            let beat = Heartbeat { age_ms: 0, uptime_ms };
            assert_eq!(delays.age(beat, at(read)), at(age), "read at {read}");
        }
        let beat = Heartbeat { age_ms: 700, uptime_ms: 535_000 };
        assert_eq!(delays.age(beat, at(44_990)), at(700), "and what the server says itself is added");
    }

    #[test]
    fn clocks_that_run_a_little_differently_are_no_delay() {
        for (read, sent) in [(5_001, 5_000), (5_000, 5_001), (5_000, 5_000)] {
            let mut delays = Delays::default();
            for beat in 0..200_000_u64 {
                let beat_sent = Heartbeat { age_ms: 0, uptime_ms: beat * sent };
                assert!(delays.age(beat_sent, at(beat * read)) < at(100), "after {beat} heartbeats");
            }
        }
    }

    #[test]
    fn absurd_numbers_overflow_nothing() {
        let mut delays = Delays::default();
        for uptime_ms in [u64::MAX, 0, i64::MAX as u64, 1, u64::MAX] {
            for age_ms in [u64::MAX, 0] {
                assert!(delays.age(Heartbeat { age_ms, uptime_ms }, at(5)) >= at(age_ms));
                let _ = delays.age(Heartbeat { age_ms, uptime_ms }, Duration::MAX);
            }
        }
    }
}
