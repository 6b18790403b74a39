//! The server itself, the same in production, in tests, and in `cargo dev`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use auth_domain::store::{Store, StoreError};
use auth_domain::{HashingCost, RefreshTokens};
use goptri::server::{ListenError, TrustedProxies, UnknownPath, every_response, mount};
use goptri::{Clock, Guard};

use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::feed::Feed;
use crate::flow::{
    ChangePassword, EndSessions, Failure, FindAccount, IssueTokens, ListSessions, ReadRevocations, Refresh,
    Register, Rehash, SignIn, SignOut, SignOutEverywhere, Sweep,
};
use crate::hashing::PasswordHasher;
use crate::http::{OpenRegistration, routes};
use crate::throttle::Throttle;

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
}

/// Why the server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The database cannot be migrated.
    #[error("{0}")]
    Migrate(Failure),
    /// A fault here.
    #[error("{0}")]
    Internal(Failure),
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
                    migrated.map_err(|error| StartError::Migrate(error.into()))?;
                }
                () = &mut stop => return Err(StartError::Stopped),
            }
        }
        let address = config.address;
        let sweep = Sweep { store: Arc::clone(&store), idle_lifetime: config.refresh.idle_lifetime };
        let feed = Feed::new(Arc::clone(&store));
        let feed_secrets = config.feed_secrets.clone();
        let flows = Flows::new(config, &store, clock).await.map_err(StartError::Internal)?;
        let (followed, closing) = (feed.clone(), feed.clone());
        // Streams never end by themselves, and what is in flight is waited for.
        let stop_after_closing = async move {
            stop.await;
            closing.close();
        };
        let server = HttpServer::new(move || {
            let flows = flows.clone();
            App::new()
                .app_data(Data::new(ReadRevocations { store: Arc::clone(&flows.store) }))
                .app_data(Data::new(flows.store))
                .app_data(Data::new(flows.trusted_proxies))
                .app_data(Data::new(flows.registration))
                .app_data(Data::new(flows.sign_in))
                .app_data(Data::new(flows.refresh))
                .app_data(Data::new(flows.sign_out))
                .app_data(Data::new(flows.sign_out_everywhere))
                .app_data(Data::new(flows.accounts))
                .app_data(Data::new(flows.list_sessions))
                .app_data(Data::new(flows.end_sessions))
                .app_data(Data::new(flows.change_password))
                .app_data(Data::new(feed.clone()))
                .app_data(Data::new(feed_secrets.clone()))
                .configure(mount(routes(), flows.guard, UnknownPath::NotFound))
                .wrap(from_fn(every_response))
        })
        .tcp_nodelay(true)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .shutdown_signal(stop_after_closing)
        .bind(address)
        .map_err(|cause| ListenError::new(cause, address, "AUTH_SERVER_ADDR"))?;
        let address = server.addrs().first().copied().unwrap_or(address);
        tracing::info!("auth-server listens on http://{address}");
        let sweeping = actix_web::rt::spawn(sweep.run_now_and_then());
        let following = actix_web::rt::spawn(followed.follow_database());
        Ok(Self { server: server.run(), address, store, background: [sweeping, following] })
    }

    /// Where it listens; the port is a real one also when the configuration said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
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

/// What the handlers are given.
#[derive(Clone)]
struct Flows {
    store: Arc<dyn Store>,
    guard: Guard,
    trusted_proxies: TrustedProxies,
    registration: OpenRegistration,
    sign_in: SignIn,
    refresh: Refresh,
    sign_out: SignOut,
    sign_out_everywhere: SignOutEverywhere,
    accounts: FindAccount,
    list_sessions: ListSessions,
    end_sessions: EndSessions,
    change_password: ChangePassword,
}

impl Flows {
    async fn new(config: Config, store: &Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let entropy = Arc::new(SystemEntropy);
        let hasher = PasswordHasher::new(config.hashing_threads, HashingCost::TODAY, entropy.clone()).await?;
        let hasher = hasher.for_requests();
        let verifier = config.access_verifier();
        let guard = Guard::new(config.account_verifier(), Arc::clone(&clock));
        let accounts = FindAccount { store: Arc::clone(store), policy: config.refresh };
        let end_sessions = EndSessions { store: Arc::clone(store) };
        // A token that is never replaced cannot name an end that moves with every use.
        let idle_end = config.refresh.idle_lifetime.filter(|_| config.refresh.rotation);
        let refresh_tokens = RefreshTokens::new(config.refresh_keys, config.issuer.clone(), idle_end);
        let throttle = Throttle::new(Arc::clone(&clock));
        let issue = IssueTokens {
            access_keys: config.access_keys,
            refresh_tokens: refresh_tokens.clone(),
            issuer: config.issuer.clone(),
            access_lifetime: config.access_lifetime,
            entropy: entropy.clone(),
        };
        let register = Register {
            store: Arc::clone(store),
            hasher: hasher.clone(),
            rules: config.password_rules,
            clock: Arc::clone(&clock),
            entropy: entropy.clone(),
        };
        let change_password = ChangePassword {
            store: Arc::clone(store),
            hasher: hasher.clone(),
            rules: config.password_rules,
            throttle: throttle.clone(),
        };
        let sign_in = SignIn {
            store: Arc::clone(store),
            rehash: Rehash { store: Arc::clone(store), hasher: hasher.clone() },
            hasher,
            throttle: throttle.clone(),
            issue: issue.clone(),
            scope: config.default_scope,
            audience: vec![config.audience, config.issuer],
            lifetime: config.refresh.lifetime,
            clock: Arc::clone(&clock),
            entropy,
        };
        Ok(Self {
            store: Arc::clone(store),
            guard: guard.clone(),
            trusted_proxies: config.trusted_proxies,
            registration: OpenRegistration {
                register: config.registration_open.then_some(register),
                throttle,
            },
            sign_in,
            refresh: Refresh {
                store: Arc::clone(store),
                tokens: refresh_tokens.clone(),
                issue,
                policy: config.refresh,
            },
            sign_out: SignOut {
                store: Arc::clone(store),
                refresh_tokens: refresh_tokens.clone(),
                verifier,
                clock,
            },
            sign_out_everywhere: SignOutEverywhere {
                sessions: end_sessions.clone(),
                accounts: accounts.clone(),
                refresh_tokens,
                guard,
            },
            list_sessions: ListSessions {
                store: Arc::clone(store),
                idle_lifetime: config.refresh.idle_lifetime,
            },
            accounts,
            end_sessions,
            change_password,
        })
    }
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
