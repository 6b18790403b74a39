//! Exponential back-off with jitter.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Pauses between attempts: each is twice the one before, up to a maximum. Jitter shortens a pause by up to half, so
/// that followers that lost the same server do not reconnect at the same moment.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Pauses from `min` to `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    /// Returns the next pause, shortened by the jitter.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end")]
    pub fn next(&mut self) -> Duration {
        let pause = self.next.min(self.max);
        self.next = pause.saturating_mul(2);
        // `RandomState` is random enough for jitter, which need not be unpredictable.
        let random = u32::from(RandomState::new().build_hasher().finish().to_be_bytes()[0]);
        pause / 2 + pause / 2 * random / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum_and_are_scattered() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1_500));
            for max in [100, 200, 400, 800, 1_500, 1_500] {
                let (pause, max) = (backoff.next(), Duration::from_millis(max));
                assert!(max / 2 <= pause && pause <= max, "{pause:?} of {max:?}");
                seen.insert(pause);
            }
        }
        assert!(seen.len() > 100, "{} different pauses", seen.len());
    }
}
