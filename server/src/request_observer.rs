//! Counts requests and their latency by route, and the results of verifying access tokens; and decides whether a
//! request gets a line in the log.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest};
use goptri::TokenError;
use goptri::actix::verification;
use goptri::revocation::{MonotonicClock, SystemMonotonicClock};
use goptri_settings::Settings;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::{Registry, Unit};

use crate::Route;

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY];

/// The values of the label `result` of verifications.
const RESULTS: [&str; 5] = ["accepted", "expired", "revoked", "invalid", "unavailable"];

/// HTTP statuses are 100 to 599.
const STATUSES: usize = 500;

/// Observes the requests of one server. Clones share the counters.
///
/// Recording takes no lock: all counters exist from the start, and each is one atomic.
#[derive(Debug, Clone)]
pub struct RequestObserver {
    /// The last one is for requests that match no route of the table.
    routes: Arc<[RouteCounters]>,
    /// In the order of [`RESULTS`].
    verifications: Arc<[AtomicU64; RESULTS.len()]>,
    log: bool,
    clock: SystemMonotonicClock,
}

/// A row of the table, attached to the request that matches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatchedRoute(usize);

#[derive(Debug)]
struct RouteCounters {
    method: String,
    path: &'static str,
    statuses: [AtomicU64; STATUSES],
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
}

/// `REQUEST_LOG`: whether each request gets a line in the log.
pub fn request_log(settings: &Settings<'_>) -> Option<bool> {
    settings.on_off("REQUEST_LOG", true)
}

impl RequestObserver {
    /// Observes the routes of `table`. Without `log`, only server errors are logged.
    pub fn new(table: &[Route], log: bool) -> Self {
        let known = table.iter().map(|route| RouteCounters::new(&route.method, route.path));
        let unmatched = RouteCounters { method: String::new(), ..RouteCounters::new(&Method::GET, "") };
        Self {
            routes: known.chain([unmatched]).collect(),
            verifications: Arc::default(),
            log,
            clock: SystemMonotonicClock::default(),
        }
    }

    /// Adds the counters to the metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    pub(crate) fn route(&self, route: &Route) -> MatchedRoute {
        let is_it = |known: &RouteCounters| known.path == route.path && known.method == route.method.as_str();
        MatchedRoute(self.routes.iter().position(is_it).unwrap_or(self.routes.len() - 1))
    }

    /// The time at which a request arrives, for [`record`](Self::record).
    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Counts a response to a request that arrived at `start`, and returns the data for its log line. `request` is
    /// `None` if an inner middleware has dropped it.
    pub(crate) fn record(
        &self,
        request: Option<&HttpRequest>,
        status: StatusCode,
        start: Duration,
    ) -> ObservedRequest {
        let matched = request.and_then(|request| request.extensions().get().copied());
        let MatchedRoute(index) = matched.unwrap_or(MatchedRoute(self.routes.len() - 1));
        let (counters, elapsed) = (&self.routes[index], self.clock.elapsed().saturating_sub(start));
        counters.record(status, elapsed);
        let verified = request.and_then(verification);
        if let Some(result) = verified {
            self.verifications[result_index(result)].fetch_add(1, Ordering::Relaxed);
        }
        let path = counters.path;
        let log = self.log && !matches!(path, "/healthz" | "/readyz");
        ObservedRequest { path, elapsed, log, token_error: verified.and_then(Result::err) }
    }
}

/// One request, for its log line.
pub(crate) struct ObservedRequest {
    /// The template of its route; empty if it matched none.
    pub(crate) path: &'static str,
    elapsed: Duration,
    /// Whether it gets a line when it succeeds.
    pub(crate) log: bool,
    /// Why its access token was rejected.
    pub(crate) token_error: Option<TokenError>,
}

impl ObservedRequest {
    /// Milliseconds, to two decimals.
    pub(crate) fn ms(&self) -> f64 {
        (self.elapsed.as_secs_f64() * 1e5).round() / 1e2
    }
}

/// The position in [`RESULTS`].
fn result_index(result: Result<(), TokenError>) -> usize {
    match result {
        Ok(()) => 0,
        Err(TokenError::Expired) => 1,
        Err(TokenError::Revoked) => 2,
        Err(TokenError::Stale | TokenError::NotCaughtUp | TokenError::KeysUnavailable) => 4,
        Err(_) => 3,
    }
}

impl RouteCounters {
    fn new(method: &Method, path: &'static str) -> Self {
        Self {
            method: method.as_str().to_owned(),
            path,
            statuses: [const { AtomicU64::new(0) }; STATUSES],
            buckets: [const { AtomicU64::new(0) }; BUCKETS.len()],
            micros: AtomicU64::new(0),
        }
    }

    fn record(&self, status: StatusCode, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len() - 1);
        let status = usize::from(status.as_u16()).saturating_sub(100).min(STATUSES - 1);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.statuses[status].fetch_add(1, Ordering::Relaxed);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [("method", &self.method), ("route", self.path)]
    }

    fn encode_requests(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        for (index, count) in self.statuses.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let (status, [method, route]) = ((index + 100).to_string(), self.labels());
                let labels = [method, route, ("status", &status)];
                ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_latency(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let counts = self.buckets.each_ref().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = BUCKETS.into_iter().zip(counts).collect();
        let seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_family(&self.labels())?.encode_histogram::<NoLabelSet>(
            seconds,
            counts.iter().sum(),
            &buckets,
            None,
        )
    }
}

impl Collector for RequestObserver {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests by route and status";
        let mut requests = encoder.encode_descriptor("http_requests", help, None, MetricType::Counter)?;
        self.routes.iter().try_for_each(|route| route.encode_requests(&mut requests))?;
        let (name, help) = ("http_request_duration", "Time from a request to the head of its response");
        let mut latency =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        self.routes.iter().try_for_each(|route| route.encode_latency(&mut latency))?;
        let (name, help) = ("token_verifications", "Access tokens verified, by result");
        let mut verifications = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        RESULTS.iter().zip(self.verifications.iter()).try_for_each(|(result, count)| {
            let count = ConstCounter::new(count.load(Ordering::Relaxed));
            count.encode(verifications.encode_family(&[("result", *result)])?)
        })
    }
}
