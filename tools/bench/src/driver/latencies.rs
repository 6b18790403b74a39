//! How long each answer took.

use std::time::Duration;

/// All of them, in no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The one in the middle, and the one that one in a hundred exceeds.
    pub(crate) fn p50_and_p99(&self) -> (Duration, Duration) {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let percentile = |percent: usize| match sorted.len() {
            0 => Duration::ZERO,
            number => sorted[(number - 1) * percent / 100],
        };
        (percentile(50), percentile(99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_longer_than_the_99th_percentile() {
        let mut latencies = Latencies::default();
        (1..=101).rev().map(Duration::from_millis).for_each(|took| latencies.add(took));
        assert_eq!(latencies.p50_and_p99(), (Duration::from_millis(51), Duration::from_millis(100)));
        assert_eq!(Latencies::default().p50_and_p99(), (Duration::ZERO, Duration::ZERO));
    }
}
