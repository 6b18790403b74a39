//! Numbers for Prometheus, on an address of their own: they are no business of whoever calls the server.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

use crate::ListenError;
use goptri_settings::Settings;

/// Who is slower than that is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many may ask at the same moment.
const AT_ONCE: usize = 8;

/// Answers until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MetricsServer {
    /// Listens on the address that `METRICS_ADDR` names, and shows what `numbers` gives at the moment of asking. Within a Tokio
    /// runtime.
    pub fn serve(address: SocketAddr, numbers: Box<dyn Collector>) -> Result<Self, ListenError> {
        let listen = || {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let listener = listen().map_err(|cause| ListenError::new(cause, address, "METRICS_ADDR"))?;
        let address = listener.local_addr().unwrap_or(address);
        tracing::info!("metrics are at http://{address}/metrics");
        let mut registry = Registry::default();
        registry.register_collector(numbers);
        Ok(Self { address, task: tokio::spawn(accept(listener, Arc::new(registry))) })
    }

    /// Where; the port is a real one also when the configuration said 0.
    pub fn address(&self) -> SocketAddr {
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

/// One number of a collector.
pub fn gauge<N>(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: N) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

/// `METRICS_ADDR`: an IP address and a port. Without it, no metrics are shown.
pub fn metrics_address(settings: &Settings<'_>) -> Option<Option<SocketAddr>> {
    settings.optional("METRICS_ADDR", |text| {
        text.parse()
            .map_err(|_| format!("is {text:?}; it is an IP address and a port, such as 127.0.0.1:9300"))
    })
}
