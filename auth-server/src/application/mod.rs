//! The server itself, the same in production, in tests, and in `cargo dev`.

mod account;
mod account_pages;
mod feature;
mod feed;
mod health;
mod keys;
mod oauth;
mod pages;
mod sign_in;
mod sweep;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use auth_store::{Store, StoreError};
use goptri::clock::Clock;
use goptri::revocation::{MonotonicClock, SystemMonotonicClock};
use goptri_server::{
    AllowedOrigins, HttpServer, ListenErrors, MetricsServer, RequestObserver, ServerState, Tls, UnknownPath,
    metrics_registry, mount, response_policy,
};
use goptri_settings::{FileWatch, SecretFiles};
use tokio::task::JoinSet;

use self::feature::{Assembly, Hooks, Parts, assemble};
use crate::config::Config;
use crate::error::CauseChain;
use crate::flow::Migrate;
use crate::hashing::HashingError;
use crate::keyrings::{KeyChanges, LiveKeys};
use crate::storage;

pub use self::feature::routes;

/// How long the start waits for a database that does not answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(30);

/// A listening server.
pub struct Application {
    server: Server,
    address: SocketAddr,
    store: Arc<dyn Store>,
    background: JoinSet<()>,
    secret_files: Option<Arc<FileWatch>>,
    certificate: Option<Arc<FileWatch>>,
    metrics: Option<MetricsServer>,
    state: ServerState,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenErrors),
    /// The database cannot be used or migrated.
    #[error("{}", CauseChain(.0))]
    Database(StoreError),
    /// The files of secrets, or of the certificate, cannot be watched.
    #[error("the files of secrets and certificates cannot be watched: {0}")]
    Watch(std::io::Error),
    /// The hashing threads cannot be started.
    #[error("{}", CauseChain(.0))]
    Hashing(#[from] HashingError),
    /// It was stopped before it had started.
    #[error("stopped before the database answered")]
    Stopped,
}

impl Application {
    /// Migrates if `AUTO_MIGRATE` is on, and listens. The server stops when `stop` completes.
    pub async fn start(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let mut stop = Box::pin(stop);
        let monotonic = Arc::new(SystemMonotonicClock::default());
        tokio::select! {
            prepared = prepare(&store, monotonic.as_ref(), config.auto_migrate) => {
                prepared.map_err(StartError::Database)?;
            }
            () = &mut stop => return Err(StartError::Stopped),
        }
        let mut registry = metrics_registry();
        let requests = RequestObserver::new(&routes(), config.request_log);
        requests.register(&mut registry);
        let (metrics_address, secret_files) = (config.metrics_address, config.secret_files.clone());
        let parts = Parts::new(config, Arc::clone(&store), clock, monotonic, &mut registry).await?;
        let Assembly { registry, state, data, jobs, hooks } = assemble(&parts, registry);
        let Hooks { keys_changed, stopping } = hooks;
        let secret_files = watch(secret_files, parts.keys.clone(), keys_changed)?;
        if let Some(files) = &secret_files {
            state.add_task(files.health().clone());
        }
        let stopped = state.clone().delay_stop(stop, parts.config.shutdown_delay);
        let (guard, proxies) = (parts.guard.clone(), Data::new(parts.config.trusted_proxies.clone()));
        let (address, limits) = (parts.config.address, parts.config.connections);
        let (tls, origins) = (parts.config.tls.as_ref(), allowed_origins(&parts));
        let server = HttpServer::bind(address, "AUTH_SERVER_ADDR", limits, tls, move || {
            App::new()
                .app_data(proxies.clone())
                .configure(|config| data.iter().for_each(|provide| provide(config)))
                .configure(mount(
                    routes(),
                    guard.clone(),
                    UnknownPath::NotFound,
                    origins.clone(),
                    requests.clone(),
                ))
                .wrap(from_fn(response_policy))
        });
        let metrics =
            metrics_address.map(|address| MetricsServer::serve(address, registry, &state)).transpose();
        let (server, metrics) = ListenErrors::combine(server, metrics)?;
        let address = server.address();
        log_start(&parts, address);
        let certificate = Tls::watch(tls, &state).map_err(StartError::Watch)?;
        let background = jobs.into_iter().collect();
        let server = server.run(async move {
            stopped.await;
            for hook in stopping {
                hook();
            }
        });
        Ok(Self { server, address, store, background, secret_files, certificate, metrics, state })
    }

    /// The address it listens on, with the port that the operating system chose if the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `/readyz` reports besides the database.
    pub fn state(&self) -> &ServerState {
        &self.state
    }

    /// The address of the metrics, if they are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsServer::address)
    }

    /// The watched files of secrets and keys, if there are any.
    pub fn secret_files(&self) -> Option<Arc<FileWatch>> {
        self.secret_files.clone()
    }

    /// The watched files of secrets, of keys and of the certificate.
    pub fn watched_files(&self) -> Vec<Arc<FileWatch>> {
        self.secret_files.iter().chain(&self.certificate).cloned().collect()
    }

    /// Serves until it is stopped, finishes requests in flight, and closes the store.
    pub async fn run(mut self) -> std::io::Result<()> {
        let served = self.server.await;
        self.background.shutdown().await;
        self.store.close().await;
        tracing::info!("auth-server has stopped");
        served
    }
}

/// The origins whose pages may read responses (CORS).
fn allowed_origins(parts: &Parts) -> AllowedOrigins {
    AllowedOrigins { listed: parts.config.cors_origins.clone(), clients: parts.origins_of_clients.clone() }
}

/// Logs what was started.
fn log_start(parts: &Parts, address: SocketAddr) {
    let Parts { config, keys, .. } = parts;
    let (access, version) = (keys.access.load(), env!("CARGO_PKG_VERSION"));
    let (issuer, signing_key) = (config.issuer.as_str(), access.signing_key_name());
    tracing::info!(
        version,
        database = storage::describe(&config.database_url),
        issuer,
        kid = signing_key.kid,
        alg = signing_key.alg,
        registration = if config.registration_open { "open" } else { "closed" },
        "auth-server listens on {}://{address}",
        goptri_server::scheme(config.tls.as_ref())
    );
    if !config.session_cookie.is_secure() {
        let name = config.session_cookie.name();
        tracing::info!(name, "ISSUER is http on localhost, so cookies have neither a prefix nor Secure");
    }
}

/// Reloads the keys when a file changes, and calls the hooks.
fn watch(
    files: SecretFiles,
    keys: LiveKeys,
    hooks: Vec<Box<dyn Fn(KeyChanges) + Send>>,
) -> Result<Option<Arc<FileWatch>>, StartError> {
    let watch = FileWatch::start(files, "watch of the files of secrets", move |settings| {
        let changes = keys.reload(settings);
        for hook in &hooks {
            hook(changes);
        }
    });
    watch.map(|watch| watch.map(Arc::new)).map_err(StartError::Watch)
}

/// Checks the database server and migrates. Retries for a while if the database does not answer; other errors are
/// final. A server that does not migrate may start before its database; `/readyz` says when it can be used.
async fn prepare(
    store: &Arc<dyn Store>,
    clock: &dyn MonotonicClock,
    auto_migrate: bool,
) -> Result<(), StoreError> {
    let start = clock.elapsed();
    loop {
        let waited = clock.elapsed().saturating_sub(start);
        let prepared = match store.check_server().await {
            Ok(()) if auto_migrate => Migrate::new(Arc::clone(store)).run().await,
            checked => checked,
        };
        match prepared {
            Err(StoreError::Unavailable(cause)) if !auto_migrate => {
                tracing::warn!(%cause, "the database does not answer; starting without it");
                return Ok(());
            }
            Err(StoreError::Unavailable(cause)) if waited < DATABASE_TIMEOUT => {
                tracing::warn!(%cause, waited_seconds = waited.as_secs(), "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            prepared => return prepared,
        }
    }
}
