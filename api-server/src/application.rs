//! The server itself, the same in production, in tests, and in `cargo dev`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use goptri::Guard;
use goptri::clock::Clock;
use goptri::revocation::MonotonicClock;
use goptri_server::{
    ListenError, ListenErrors, MetricsServer, RequestObserver, UnknownPath, metrics_registry, mount,
    response_policy,
};
use goptri_settings::FileWatch;

use crate::config::Config;
use crate::http::routes;
use crate::metrics::VerifierMetrics;
use crate::photos::PhotosFolder;

/// How long requests in flight may take when the server stops.
const SHUTDOWN_SECONDS: u64 = 30;

/// A server that listens.
pub struct Application {
    server: Server,
    address: SocketAddr,
    guard: Guard,
    metrics: Option<MetricsServer>,
}

/// It cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenErrors),
    /// The operating system gives no thread to follow auth-server on.
    #[error("auth-server cannot be followed: {0}")]
    Follow(#[from] goptri::GuardError),
}

impl Application {
    /// Listens, and begins to follow the revocation feed. It stops when `stop` ends.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        monotonic: Arc<dyn MonotonicClock>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let address = config.address;
        clear_unfinished(&config.photos, clock.as_ref());
        let photos = Data::new(config.photos);
        let guard = config.following.clock(clock).monotonic_clock(monotonic).build()?;
        let mut registry = metrics_registry();
        let requests = RequestObserver::new(&routes(), config.request_log);
        requests.register(&mut registry);
        registry.register_collector(Box::new(VerifierMetrics(guard.clone())));
        let guarding = guard.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(photos.clone())
                .app_data(Data::new(guarding.clone()))
                .configure(mount(routes(), guarding.clone(), UnknownPath::Unauthorized, requests.clone()))
                .wrap(from_fn(response_policy))
        })
        .tcp_nodelay(true)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .shutdown_signal(stop)
        .bind(address)
        .map_err(|cause| ListenError::new(cause, address, "API_SERVER_ADDR"));
        let metrics = config.metrics_address.map(|address| MetricsServer::serve(address, registry));
        let (server, metrics) = ListenErrors::combine(server, metrics.transpose())?;
        let address = server.addrs().first().copied().unwrap_or(address);
        tracing::info!("api-server listens on http://{address}");
        Ok(Self { server: server.run(), address, guard, metrics })
    }

    /// Where it listens; the port is a real one also when the configuration said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The files that secrets are read from, if there are any.
    pub fn secret_files(&self) -> Option<Arc<FileWatch>> {
        self.guard.secret_files()
    }

    /// Where the metrics are, if they are anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsServer::address)
    }

    /// Serves until it is asked to stop, and finishes what is in flight.
    pub async fn run(self) -> std::io::Result<()> {
        let ended = self.server.await;
        tracing::info!("api-server has stopped");
        ended
    }
}

/// What an earlier run could not take away is no reason not to start.
fn clear_unfinished(photos: &PhotosFolder, clock: &dyn Clock) {
    match photos.clear_unfinished(clock.now()) {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed pictures that had stopped half-way"),
        Err(cause) => tracing::warn!(%cause, "pictures that had stopped half-way cannot be removed"),
    }
}
