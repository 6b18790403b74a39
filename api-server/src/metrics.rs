//! Numbers for Prometheus, on an address of their own: they are nobody's business who calls the application.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use goptri::revocation::Revocations;
use goptri::server::ListenError;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Who is slower than that is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many may ask at the same moment.
const AT_ONCE: usize = 8;

/// Answers until it is dropped.
pub(crate) struct Metrics {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Metrics {
    /// Listens.
    pub(crate) fn serve(address: SocketAddr, revocations: Revocations) -> Result<Self, ListenError> {
        let listen = || {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let listener = listen().map_err(|cause| ListenError::new(cause, address, "METRICS_ADDR"))?;
        let address = listener.local_addr().unwrap_or(address);
        tracing::info!("metrics are at http://{address}/metrics");
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Feed(revocations)));
        Ok(Self { address, task: tokio::spawn(accept(listener, Arc::new(registry))) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, registry: Arc<Registry>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely; some will be free again.
            tokio::time::sleep(PATIENCE).await;
            continue;
        };
        let registry = Arc::clone(&registry);
        let answering = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| {
                    std::future::ready(Ok::<_, Infallible>(answer(&request, &registry)))
                }),
            );
        tokio::spawn(async move {
            let _ = tokio::time::timeout(2 * PATIENCE, answering).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let mut numbers = String::new();
    if (request.method(), request.uri().path()) != (&Method::GET, "/metrics") {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if text::encode(&mut numbers, registry).is_err() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    } else {
        let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(text));
        *response.body_mut() = Full::from(numbers);
    }
    response
}

/// What is known of the feed at the moment of asking.
#[derive(Debug)]
struct Feed(Revocations);

impl Collector for Feed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(revocations) = self;
        // Infinite before it has caught up: an alarm on an age that is too high must ring then, too.
        let age = revocations.age().map_or(f64::INFINITY, |age| age.as_secs_f64());
        let entries = i64::try_from(revocations.len()).unwrap_or(i64::MAX);
        gauge(&mut encoder, "feed_age_seconds", "How long ago everything that was ended was known", age)?;
        gauge(&mut encoder, "feed_entries", "Ends of sessions, tokens and clients in memory", entries)?;
        let connected = i64::from(revocations.is_connected());
        gauge(&mut encoder, "feed_connected", "Whether the revocation feed is heard right now", connected)
    }
}

fn gauge<N>(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: N) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}
