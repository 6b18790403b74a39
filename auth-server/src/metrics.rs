//! What auth-server shows Prometheus.

use std::fmt;

use goptri_server::gauge;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::feed::Feed;

/// The state of the revocation feed at the moment of asking.
pub(crate) struct FeedNumbers(pub(crate) Feed);

impl fmt::Debug for FeedNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedNumbers")
    }
}

impl Collector for FeedNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(feed) = self;
        let followers = i64::try_from(feed.subscribers()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "feed_subscribers", "How many follow the revocation feed", followers)?;
        // Nobody reads while nobody follows, so there is no age then; infinite, if they wait for the first read.
        let age = feed.age().map(|age| age.as_secs_f64());
        let age = age.or((followers > 0).then_some(f64::INFINITY)).unwrap_or_default();
        gauge(&mut encoder, "feed_tail_age_seconds", "How long ago the database was read successfully", age)?;
        let dropped = i64::try_from(feed.dropped()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "feed_subscribers_dropped", "How many were too slow since the start", dropped)
    }
}
