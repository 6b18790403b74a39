//! What a feature adds to the server, and the list of all features.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use auth_domain::{HashingCost, RefreshTokens};
use auth_store::Store;
use goptri::Guard;
use goptri::clock::Clock;
use goptri::origin::Origins;
use goptri::revocation::MonotonicClock;
use goptri_server::{Route, ServerState, with_index};
use goptri_settings::Reloadable;
use prometheus_client::registry::Registry;

use super::{account, account_pages, feed, health, keys, oauth, pages, sign_in, sweep};
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::flow::{FindAccount, IssueTokens, Refresh, SessionCounters};
use crate::hashing::{HashingError, PasswordHasher};
use crate::keyrings::{KeyChanges, LiveKeys};
use crate::suspension::Suspensions;
use crate::throttle::Throttle;

/// A feature of the server: its routes, and what it assembles from the shared parts.
pub(super) struct Feature {
    pub(super) routes: fn() -> Vec<Route>,
    pub(super) assemble: fn(&Parts, &mut Assembly),
}

/// Every feature. A new one is added here.
const FEATURES: [Feature; 9] = [
    sign_in::FEATURE,
    account::FEATURE,
    oauth::FEATURE,
    pages::FEATURE,
    account_pages::FEATURE,
    keys::FEATURE,
    feed::FEATURE,
    health::FEATURE,
    sweep::FEATURE,
];

/// The table of all routes.
pub fn routes() -> Vec<Route> {
    with_index("auth-server", FEATURES.iter().flat_map(|feature| (feature.routes)()).collect())
}

/// Assembles all features.
pub(super) fn assemble(parts: &Parts, registry: Registry) -> Assembly {
    let (state, hooks) = (ServerState::default(), Hooks::default());
    let mut assembly = Assembly { registry, state, data: Vec::new(), jobs: Vec::new(), hooks };
    assembly.state.add_task(parts.hasher.health().clone());
    assembly.provide(assembly.state.clone());
    for feature in FEATURES {
        (feature.assemble)(parts, &mut assembly);
    }
    assembly
}

/// What several features need.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) monotonic: Arc<dyn MonotonicClock>,
    pub(super) entropy: Arc<SystemEntropy>,
    pub(super) keys: LiveKeys,
    pub(super) hasher: PasswordHasher,
    pub(super) throttle: Throttle,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) suspensions: Suspensions,
    pub(super) issue: IssueTokens,
    /// Accepts access tokens for this server: not those of applications.
    pub(super) guard: Guard,
    pub(super) accounts: FindAccount,
    pub(super) counters: SessionCounters,
    /// The origins of the web pages that are clients, for CORS.
    pub(super) origins_of_clients: Reloadable<Origins>,
}

impl Parts {
    /// Starts the threads that hash, and the one that notices suspensions.
    pub(super) async fn new(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        monotonic: Arc<dyn MonotonicClock>,
        registry: &mut Registry,
    ) -> Result<Self, HashingError> {
        let (entropy, keys) = (Arc::new(SystemEntropy), LiveKeys::from(config.keys.clone()));
        let hasher =
            PasswordHasher::new(config.hashing_threads, HashingCost::CURRENT, entropy.clone()).await?;
        // Without rotation, a token cannot contain an expiry that moves with each use.
        let idle_lifetime = config.refresh.idle_lifetime.filter(|_| config.refresh.rotation);
        let refresh_tokens = RefreshTokens::new(keys.refresh.clone(), config.issuer.clone(), idle_lifetime);
        let issue = IssueTokens {
            access_keys: keys.access.clone(),
            refresh_tokens: refresh_tokens.clone(),
            issuer: config.issuer.clone(),
            access_lifetime: config.access_lifetime,
            idle_lifetime: config.refresh.idle_lifetime,
            entropy: entropy.clone(),
        };
        Ok(Self {
            hasher: hasher.for_requests(registry, Arc::clone(&monotonic)),
            throttle: Throttle::new(Arc::clone(&clock)),
            counters: SessionCounters::register(registry),
            guard: Guard::new(config.account_verifier(keys.verifying.clone()), Arc::clone(&clock))
                .with_session_cookie(config.session_cookie.clone()),
            accounts: FindAccount { store: Arc::clone(&store), policy: config.refresh },
            config,
            store,
            clock,
            suspensions: Suspensions::watch(Arc::clone(&monotonic))?,
            monotonic,
            entropy,
            keys,
            refresh_tokens,
            issue,
            origins_of_clients: Reloadable::new(Origins::default()),
        })
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) fn refresh(&self) -> Refresh {
        Refresh {
            store: self.store(),
            tokens: self.refresh_tokens.clone(),
            issue: self.issue.clone(),
            policy: self.config.refresh,
            counters: self.counters.clone(),
            suspensions: self.suspensions.clone(),
        }
    }
}

type Configure = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;
type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the features have assembled.
pub(super) struct Assembly {
    pub(super) registry: Registry,
    pub(super) state: ServerState,
    pub(super) data: Vec<Configure>,
    pub(super) jobs: Vec<Job>,
    pub(super) hooks: Hooks,
}

/// What features do at certain moments.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) keys_changed: Vec<Box<dyn Fn(KeyChanges) + Send>>,
    pub(super) stopping: Vec<Box<dyn FnOnce() + Send>>,
}

impl Assembly {
    /// Gives handlers access to `value` as [`Data`].
    pub(super) fn provide<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        let data = Data::new(value);
        self.data.push(Arc::new(move |config| {
            config.app_data(data.clone());
        }));
        self
    }

    /// Runs a job while the server runs. It is started again when it panics or ends, and `/readyz` reports it by name.
    pub(super) fn run_in_background<F>(
        &mut self,
        name: &'static str,
        start: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.jobs.push(Box::pin(self.state.supervise(name, start)));
    }

    /// Calls `hook` after each change of keys.
    pub(super) fn on_key_change(&mut self, hook: impl Fn(KeyChanges) + Send + 'static) {
        self.hooks.keys_changed.push(Box::new(hook));
    }

    /// Calls `hook` when the server stops, before it waits for requests in flight.
    pub(super) fn on_stop(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.stopping.push(Box::new(hook));
    }
}
