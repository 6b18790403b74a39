//! Metrics of the hashing queue.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use goptri::revocation::MonotonicClock;
use goptri_server::gauge;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::threads::HashingThreads;

/// Upper bounds of the histogram of waits, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Measures how long passwords wait to be hashed.
#[derive(Debug, Clone)]
pub(super) struct HashingMetrics {
    clock: Arc<dyn MonotonicClock>,
    waits: Histogram,
}

/// A wait that has begun.
pub(super) struct Wait {
    metrics: HashingMetrics,
    start: Duration,
}

impl HashingMetrics {
    pub(super) fn register(
        registry: &mut Registry,
        clock: Arc<dyn MonotonicClock>,
        threads: &Arc<HashingThreads>,
    ) -> Self {
        let waits = Histogram::new(BUCKETS);
        let help = "Time that a password waited for a hashing thread";
        registry.register_with_unit("hashing_wait", help, Unit::Seconds, waits.clone());
        registry.register_collector(Box::new(QueueLength(Arc::downgrade(threads))));
        Self { clock, waits }
    }

    pub(super) fn start_wait(&self) -> Wait {
        Wait { metrics: self.clone(), start: self.clock.elapsed() }
    }
}

impl Wait {
    pub(super) fn end(self) {
        let wait = self.metrics.clock.elapsed().saturating_sub(self.start);
        self.metrics.waits.observe(wait.as_secs_f64());
    }
}

/// Reads the length of the queue at each scrape.
#[derive(Debug)]
struct QueueLength(Weak<HashingThreads>);

impl Collector for QueueLength {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let length = self.0.upgrade().map_or(0, |threads| threads.queue_length());
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        gauge(&mut encoder, "hashing_queue_length", "Passwords that wait for a hashing thread", length)
    }
}
