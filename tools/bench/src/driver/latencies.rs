//! How long responses took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A histogram in microseconds, with three significant digits.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    #[expect(clippy::expect_used, reason = "three digits are within the bounds of the library")]
    pub(crate) fn new() -> Self {
        Self(Histogram::new(3).expect("a histogram of three digits"))
    }

    pub(crate) fn add(&mut self, took: Duration) {
        // Fails for hours only: this histogram resizes itself.
        let _ = self.0.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn append(&mut self, others: &Self) {
        let _ = self.0.add(&others.0);
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn p50_and_p99(&self) -> (Duration, Duration) {
        let percentile = |quantile| Duration::from_micros(self.0.value_at_quantile(quantile));
        (percentile(0.5), percentile(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_that_was_appended() {
        let mut latencies = Latencies::new();
        for millis in (1..=100).rev() {
            let mut one = Latencies::new();
            one.add(Duration::from_millis(millis));
            latencies.append(&one);
        }
        let (p50, p99) = latencies.p50_and_p99();
        assert!(p50.abs_diff(Duration::from_millis(50)) < Duration::from_millis(1), "{p50:?}");
        assert!(p99.abs_diff(Duration::from_millis(99)) < Duration::from_millis(1), "{p99:?}");
        assert_eq!(latencies.len(), 100);
        assert_eq!(Latencies::new().p50_and_p99(), (Duration::ZERO, Duration::ZERO));
    }
}
