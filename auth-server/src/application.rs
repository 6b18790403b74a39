//! The server itself, the same in production, in tests, and in `cargo dev`.

mod flows;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use auth_store::{Store, StoreError};
use goptri::Clock;
use goptri::revocation::SystemMonotonicClock;
use goptri_server::{
    ListenError, ListenErrors, MetricsServer, RequestObserver, metrics_registry, response_policy,
};
use goptri_settings::{FileWatch, SecretFiles};

use self::flows::Flows;
use crate::config::Config;
use crate::error::CauseChain;
use crate::feed::{ConnectionHandle, Feed};
use crate::flow::Sweep;
use crate::hashing::HashingError;
use crate::http::routes;
use crate::keyrings::LiveKeys;
use crate::metrics::FeedMetrics;

/// How long a database that is away is waited for at start.
const WAIT_FOR_DATABASE: Duration = Duration::from_secs(30);

/// How long requests in flight may take when the server stops.
const SHUTDOWN_SECONDS: u64 = 30;

/// A server that listens.
pub struct Application {
    server: Server,
    address: SocketAddr,
    store: Arc<dyn Store>,
    background: [JoinHandle<()>; 2],
    secret_files: Option<Arc<FileWatch>>,
    _metrics: Option<MetricsServer>,
}

/// Why the server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenErrors),
    /// The database cannot be migrated.
    #[error("{}", CauseChain(.0))]
    Migrate(StoreError),
    /// The operating system gives no thread to look at the files of secrets.
    #[error("the files of secrets cannot be watched: {0}")]
    Watch(std::io::Error),
    /// The hashing threads cannot be started.
    #[error("{}", CauseChain(.0))]
    Hashing(HashingError),
    /// It was asked to stop before it was up.
    #[error("asked to stop before the database answered")]
    Stopped,
}

impl Application {
    /// Migrates, if `AUTO_MIGRATE` says so, and listens. It stops when `stop` ends.
    pub async fn start(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let mut stop = Box::pin(stop);
        if config.auto_migrate {
            tokio::select! {
                migrated = migrate_once_it_answers(store.as_ref()) => {
                    migrated.map_err(StartError::Migrate)?;
                }
                () = &mut stop => return Err(StartError::Stopped),
            }
        }
        let address = config.address;
        let sweep = Sweep { store: Arc::clone(&store), idle_lifetime: config.refresh.idle_lifetime };
        let feed = Feed::new(Arc::clone(&store), Arc::new(SystemMonotonicClock::default()));
        let metrics = config.metrics_address;
        let mut registry = metrics_registry();
        let requests = RequestObserver::new(&routes(), config.request_log);
        requests.register(&mut registry);
        registry.register_collector(Box::new(FeedMetrics(feed.clone())));
        let keys = LiveKeys::from(config.keys.clone());
        let flows = Flows::new(&config, &keys, &store, clock).await.map_err(StartError::Hashing)?;
        let secret_files = watch(config.secret_files, keys.clone(), feed.clone())?;
        let (followed, closing) = (feed.clone(), feed.clone());
        // Streams never end by themselves, and what is in flight is waited for.
        let stop_after_closing = async move {
            stop.await;
            closing.close();
        };
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new(feed.clone()))
                .app_data(Data::new(keys.clone()))
                .configure(flows.clone().mount(requests.clone()))
                .wrap(from_fn(ConnectionHandle::release_unless_feed))
                .wrap(from_fn(response_policy))
        })
        .on_connect(ConnectionHandle::capture)
        .tcp_nodelay(true)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .shutdown_signal(stop_after_closing)
        .bind(address)
        .map_err(|cause| ListenError::new(cause, address, "AUTH_SERVER_ADDR"));
        let metrics = metrics.map(|address| MetricsServer::serve(address, registry)).transpose();
        let (server, metrics) = ListenErrors::combine(server, metrics)?;
        let address = server.addrs().first().copied().unwrap_or(address);
        tracing::info!("auth-server listens on http://{address}");
        let sweeping = actix_web::rt::spawn(sweep.run_periodically());
        let following = actix_web::rt::spawn(followed.run());
        Ok(Self {
            server: server.run(),
            address,
            store,
            background: [sweeping, following],
            secret_files,
            _metrics: metrics,
        })
    }

    /// Where it listens; the port is a real one also when the configuration said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The files that secrets and keys are read from, if there are any.
    pub fn secret_files(&self) -> Option<Arc<FileWatch>> {
        self.secret_files.clone()
    }

    /// Serves until it is asked to stop, finishes what is in flight, and lets go of the database.
    pub async fn run(self) -> std::io::Result<()> {
        let ended = self.server.await;
        self.background.iter().for_each(JoinHandle::abort);
        self.store.close().await;
        tracing::info!("auth-server has stopped");
        ended
    }
}

/// Takes what the files hold whenever that changes.
fn watch(files: SecretFiles, keys: LiveKeys, feed: Feed) -> Result<Option<Arc<FileWatch>>, StartError> {
    let watch = FileWatch::start(files, move |settings| {
        let changes = keys.reload(settings);
        if changes.access_keys {
            feed.keys_changed();
        }
        if changes.feed_secret_withdrawn {
            feed.disconnect_all();
        }
    });
    watch.map(|watch| watch.map(Arc::new)).map_err(StartError::Watch)
}

/// A database that is just starting is waited for; one that refuses is not.
async fn migrate_once_it_answers(store: &dyn Store) -> Result<(), StoreError> {
    let started = Instant::now();
    loop {
        match store.migrate().await {
            Err(StoreError::Unavailable(cause)) if started.elapsed() < WAIT_FOR_DATABASE => {
                tracing::warn!(%cause, waited_seconds = started.elapsed().as_secs(), "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            migrated => return migrated,
        }
    }
}
