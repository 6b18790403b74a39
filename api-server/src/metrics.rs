//! Metrics of the verification of access tokens.

use std::fmt;

use goptri::Guard;
use goptri_server::gauge;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// Reads the state of the guard at each scrape.
#[derive(Debug)]
pub(crate) struct VerifierMetrics(pub(crate) Guard);

impl Collector for VerifierMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(guard) = self;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        gauge(&mut encoder, "keys", "Keys that verify access tokens", count(guard.keys().snapshot().len()))?;
        let cached = count(guard.cached_tokens());
        gauge(&mut encoder, "cached_tokens", "Verified access tokens in the cache", cached)?;
        let Some(revocations) = guard.revocations() else { return Ok(()) };
        // Infinite until it has caught up, so that an alert on a high age fires then too.
        let age = revocations.age().map_or(f64::INFINITY, |age| age.as_secs_f64());
        gauge(&mut encoder, "feed_age_seconds", "Time since the revocation set was current", age)?;
        let entries = count(revocations.len());
        gauge(&mut encoder, "feed_entries", "Entries of the revocation set", entries)?;
        let connected = i64::from(revocations.is_connected());
        gauge(&mut encoder, "feed_connected", "1 while the revocation feed is connected", connected)
    }
}
