//! The server itself, the same in production, in tests, and in `cargo dev`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use goptri::Guard;
use goptri::clock::Clock;
use goptri::revocation::MonotonicClock;
use goptri_server::{
    HttpServer, ListenErrors, MetricsServer, RequestObserver, ServerState, Tls, UnknownPath,
    metrics_registry, mount, response_policy,
};
use goptri_settings::FileWatch;

use crate::config::Config;
use crate::http::routes;
use crate::metrics::VerifierMetrics;
use crate::photos::{Listings, PhotosFolder};

/// A server that is listening.
pub struct Application {
    server: Server,
    address: SocketAddr,
    guard: Guard,
    certificate_watch: Option<Arc<FileWatch>>,
    metrics: Option<MetricsServer>,
    state: ServerState,
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenErrors),
    /// The guard cannot be built.
    #[error("cannot follow auth-server: {0}")]
    Follow(#[from] goptri::GuardError),
    /// The files of the certificate cannot be watched.
    #[error("the files of the certificate cannot be watched: {0}")]
    Watch(std::io::Error),
}

impl Application {
    /// Listens, and starts to follow the revocation feed. The server stops when `stop` resolves.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        monotonic: Arc<dyn MonotonicClock>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let address = config.address;
        delete_stale_uploads(&config.photos, clock.as_ref());
        let page = Data::new(config.sign_in_page);
        let (photos, listings) = (Data::new(config.photos), Data::new(Listings::new(Arc::clone(&monotonic))));
        let (jwks_url, feed_url) = config.guard.urls().unwrap_or_default();
        let keys =
            if config.accepts_shared_secret { format!("ACCESS_TOKEN_SECRET, {jwks_url}") } else { jwks_url };
        let guard = config.guard.clock(clock).monotonic_clock(monotonic).build()?;
        let (state, delay) = (ServerState::default(), config.shutdown_delay);
        let mut registry = metrics_registry();
        let requests = RequestObserver::new(&routes(), config.request_log);
        requests.register(&mut registry);
        registry.register_collector(Box::new(VerifierMetrics(guard.clone())));
        let (guarding, reported) = (guard.clone(), Data::new(state.clone()));
        let proxies = Data::new(config.trusted_proxies);
        let (limits, tls, origins) = (config.connections, config.tls, config.cors_origins);
        let server = HttpServer::bind(address, "API_SERVER_ADDR", limits, tls.as_ref(), move || {
            App::new()
                .app_data(proxies.clone())
                .app_data(photos.clone())
                .app_data(listings.clone())
                .app_data(page.clone())
                .app_data(Data::new(guarding.clone()))
                .app_data(reported.clone())
                .configure(mount(
                    routes(),
                    guarding.clone(),
                    UnknownPath::Unauthorized,
                    origins.clone(),
                    requests.clone(),
                ))
                .wrap(from_fn(response_policy))
        });
        let metrics = config.metrics_address.map(|address| MetricsServer::serve(address, registry, &state));
        let (server, metrics) = ListenErrors::combine(server, metrics.transpose())?;
        let address = server.address();
        let version = env!("CARGO_PKG_VERSION");
        let scheme = goptri_server::scheme(tls.as_ref());
        tracing::info!(version, keys, feed = feed_url, "api-server listens on {scheme}://{address}");
        let certificate_watch = Tls::watch(tls.as_ref(), &state).map_err(StartError::Watch)?;
        let server = server.run(state.clone().delay_stop(stop, delay));
        Ok(Self { server, address, guard, certificate_watch, metrics, state })
    }

    /// The address it listens on, with the actual port if the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The watched files of secrets and of the certificate.
    pub fn watched_files(&self) -> Vec<Arc<FileWatch>> {
        self.guard.file_watch().into_iter().chain(self.certificate_watch.clone()).collect()
    }

    /// What `/readyz` reports besides the guard.
    pub fn state(&self) -> &ServerState {
        &self.state
    }

    /// The guard, which verifies the access tokens.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The address of the metrics, if `METRICS_ADDR` is set.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsServer::address)
    }

    /// Serves until `stop` resolves and the requests in flight are finished.
    pub async fn run(self) -> std::io::Result<()> {
        let ended = self.server.await;
        tracing::info!("api-server stopped");
        ended
    }
}

/// Logs the result. The server also starts after an error.
fn delete_stale_uploads(photos: &PhotosFolder, clock: &dyn Clock) {
    match photos.delete_stale_uploads(clock.now()) {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "deleted unfinished uploads of an earlier run"),
        Err(cause) => tracing::warn!(%cause, "cannot delete the unfinished uploads of an earlier run"),
    }
}
