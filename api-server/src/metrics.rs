//! What api-server shows Prometheus.

use std::fmt;

use goptri::Guard;
use goptri_server::gauge;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// What is known from auth-server at the moment of asking.
#[derive(Debug)]
pub(crate) struct Heard(pub(crate) Guard);

impl Collector for Heard {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(guard) = self;
        let keys = i64::try_from(guard.keys().load().len()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "keys", "Keys that access tokens are verified with", keys)?;
        let verified = i64::try_from(guard.cached_tokens()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "verified_tokens", "Access tokens that are remembered as verified", verified)?;
        let Some(revocations) = guard.revocations() else { return Ok(()) };
        // Infinite before it has caught up: an alarm on an age that is too high must ring then, too.
        let age = revocations.age().map_or(f64::INFINITY, |age| age.as_secs_f64());
        let entries = i64::try_from(revocations.len()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "feed_age_seconds", "How long ago everything that was ended was known", age)?;
        gauge(&mut encoder, "feed_entries", "Ends of sessions, tokens and clients in memory", entries)?;
        let connected = i64::from(revocations.is_connected());
        gauge(&mut encoder, "feed_connected", "Whether the revocation feed is heard right now", connected)
    }
}
