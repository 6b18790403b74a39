//! Metrics of the revocation feed.

use std::fmt;

use goptri_server::{counter, gauge};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::feed::Feed;

/// Reads the state of the feed at each scrape.
pub(crate) struct FeedMetrics(pub(crate) Feed);

impl fmt::Debug for FeedMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedMetrics")
    }
}

impl Collector for FeedMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(feed) = self;
        let subscribers = i64::try_from(feed.subscribers()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "feed_subscribers", "Subscribers of the revocation feed", subscribers)?;
        // Without subscribers, the tail does not read, so there is no age. Infinite while they wait for its first read.
        let age = feed.age().map(|age| age.as_secs_f64());
        let age = age.or((subscribers > 0).then_some(f64::INFINITY)).unwrap_or_default();
        gauge(&mut encoder, "feed_tail_age_seconds", "Time since the tail last read the database", age)?;
        let help = "Subscribers disconnected because they read too slowly";
        counter(&mut encoder, "feed_subscribers_dropped", help, feed.dropped())
    }
}
