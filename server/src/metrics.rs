//! Metrics for Prometheus, on their own address, which must not be public.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer, guard};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::task::JoinHandle;

use crate::logging::Stderr;
use crate::{ListenError, ServerState};
use goptri_settings::{Reported, Settings, parse_address};

/// A scraper that needs longer to send its request is disconnected.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a registry's metrics at `/metrics`, until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        // Drops the server, which stops it.
        self.task.abort();
    }
}

/// An empty registry, which puts `goptri_` before every name.
///
/// A feature registers its metrics here once, at start, and keeps handles to them.
pub fn metrics_registry() -> Registry {
    let mut registry = Registry::with_prefix("goptri");
    registry.register_collector(Box::new(LogMetrics));
    registry
}

/// Counts the lost lines of the log.
#[derive(Debug)]
struct LogMetrics;

impl Collector for LogMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Log lines lost, because standard error was not read or not writable";
        counter(&mut encoder, "log_lines_dropped", help, Stderr::dropped_lines())
    }
}

impl MetricsServer {
    /// Listens on `address`, the value of `METRICS_ADDR`. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn serve(address: SocketAddr, registry: Registry, state: &ServerState) -> Result<Self, ListenError> {
        let registry = Data::from(Arc::new(registry));
        let (first, address) = listen(address, registry.clone())?;
        let mut first = Some(first);
        let start = move || {
            let server =
                first.take().map_or_else(|| listen(address, registry.clone()).map(|(server, _)| server), Ok);
            async move {
                let ended = match server {
                    Ok(server) => server.await.map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(error) = ended {
                    tracing::error!(error, "the metrics cannot be served");
                }
            }
        };
        let task = tokio::spawn(state.supervise("metrics", start));
        tracing::info!("metrics are at http://{address}/metrics");
        Ok(Self { address, task })
    }

    /// The address it listens on, with the port that the operating system chose if the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server that listens, and its address.
fn listen(address: SocketAddr, registry: Data<Registry>) -> Result<(Server, SocketAddr), ListenError> {
    let server = HttpServer::new(move || {
        let metrics = web::resource("/metrics").guard(guard::Get()).to(show);
        App::new().app_data(registry.clone()).service(metrics)
    })
    .workers(1)
    .disable_signals()
    .keep_alive(KeepAlive::Disabled)
    .client_request_timeout(REQUEST_TIMEOUT)
    .bind(address)
    .map_err(|cause| ListenError::new(cause, address, "METRICS_ADDR"))?;
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), address))
}

async fn show(registry: Data<Registry>) -> HttpResponse {
    let mut metrics = String::new();
    if let Err(error) = text::encode(&mut metrics, &registry) {
        tracing::error!(%error, "the metrics cannot be encoded");
        return HttpResponse::InternalServerError().finish();
    }
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics)
}

/// Encodes one gauge of a collector.
pub fn gauge<N>(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: N) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    encode(encoder, name, help, &ConstGauge::new(value))
}

/// Encodes one counter of a collector; `_total` is appended to its name.
pub fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    encode(encoder, name, help, &ConstCounter::new(value))
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

/// `METRICS_ADDR`: an IP address and a port other than that of the server itself. `Ok(None)`: no metrics are served.
///
/// # Errors
/// When the variable is invalid.
pub fn metrics_address(
    settings: &Settings<'_>,
    server: Option<SocketAddr>,
) -> Result<Option<SocketAddr>, Reported> {
    settings.optional("METRICS_ADDR", |text| {
        let address = parse_address(text, "127.0.0.1:9300")?;
        if server.is_some_and(|server| overlap(address, server)) {
            return Err(format!("is {text:?}, where this server itself listens; choose another port"));
        }
        Ok(address)
    })
}

/// Returns whether two listeners would compete for a port. Port 0 is a different one each time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port()
        && a.port() != 0
        && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}
