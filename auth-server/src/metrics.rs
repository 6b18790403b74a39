//! Metrics: counters by label, and what is read from the feed and the store at each scrape.

use std::fmt;
use std::sync::Arc;

use auth_store::{Connections, Store};

use goptri_server::{counter, gauge};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

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
        let unread = i64::try_from(feed.unread_nodes().len()).unwrap_or(i64::MAX);
        gauge(
            &mut encoder,
            "feed_unread_nodes",
            "Nodes of a distributed database that the tail cannot read",
            unread,
        )?;
        let help = "Subscribers disconnected because they read too slowly";
        counter(&mut encoder, "feed_subscribers_dropped", help, feed.dropped())
    }
}

/// Reads the number of database connections at each scrape.
pub(crate) struct StoreMetrics(pub(crate) Arc<dyn Store>);

impl fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreMetrics")
    }
}

impl Collector for StoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Connections { open, idle } = self.0.connections();
        gauge(&mut encoder, "database_connections", "Open connections to the database", i64::from(open))?;
        let help = "Open connections to the database that no request uses";
        gauge(&mut encoder, "database_connections_idle", help, i64::from(idle))
    }
}

/// A counter for each value of one label. Clones share the counters.
#[derive(Debug, Clone)]
pub(crate) struct CounterByLabel {
    label: &'static str,
    family: Family<[(&'static str, &'static str); 1], Counter>,
}

impl CounterByLabel {
    /// Shows the counter of each of `values`, from zero.
    pub(crate) fn register(
        registry: &mut Registry,
        name: &str,
        help: &str,
        label: &'static str,
        values: &[&'static str],
    ) -> Self {
        let family = Family::default();
        registry.register(name, help, Family::clone(&family));
        for value in values {
            drop(family.get_or_create(&[(label, *value)]));
        }
        Self { label, family }
    }

    pub(crate) fn increment(&self, value: &'static str) {
        self.family.get_or_create(&[(self.label, value)]).inc();
    }
}
