//! The flows, each with what it needs and nothing more.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use auth_domain::{HashingCost, RefreshTokens};
use auth_store::Store;
use goptri::{Clock, Guard};
use goptri_server::{RequestObserver, TrustedProxies, UnknownPath, mount};

use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::flow::{
    ChangePassword, CheckReadiness, EndSessions, FindAccount, IssueTokens, ListSessions, ReadRevocations,
    Refresh, Register, Rehash, SelfRegister, SignIn, SignOut, SignOutEverywhere,
};
use crate::hashing::{HashingError, PasswordHasher};
use crate::http::routes;
use crate::keyrings::LiveKeys;
use crate::throttle::Throttle;

/// What the handlers are given.
#[derive(Clone)]
pub(super) struct Flows {
    pub(super) store: Arc<dyn Store>,
    pub(super) guard: Guard,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) registration: SelfRegister,
    pub(super) sign_in: SignIn,
    pub(super) refresh: Refresh,
    pub(super) sign_out: SignOut,
    pub(super) sign_out_everywhere: SignOutEverywhere,
    pub(super) accounts: FindAccount,
    pub(super) list_sessions: ListSessions,
    pub(super) end_sessions: EndSessions,
    pub(super) change_password: ChangePassword,
}

impl Flows {
    pub(super) async fn new(
        config: &Config,
        keys: &LiveKeys,
        store: &Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HashingError> {
        let shared = Shared::new(config, keys, Arc::clone(store), clock).await?;
        let store = || Arc::clone(store);
        let guard = Guard::new(config.account_verifier(keys.verifying.clone()), Arc::clone(&shared.clock));
        let accounts = FindAccount { store: store(), policy: config.refresh };
        let end_sessions = EndSessions { store: store() };
        Ok(Self {
            store: store(),
            registration: SelfRegister {
                register: config.registration_open.then(|| shared.register(config)),
                throttle: shared.throttle.clone(),
            },
            sign_in: shared.sign_in(config),
            refresh: Refresh {
                store: store(),
                tokens: shared.refresh_tokens.clone(),
                issue: shared.issue.clone(),
                policy: config.refresh,
            },
            sign_out: SignOut {
                store: store(),
                refresh_tokens: shared.refresh_tokens.clone(),
                verifier: config.access_verifier(keys.verifying.clone()),
                clock: Arc::clone(&shared.clock),
            },
            sign_out_everywhere: SignOutEverywhere {
                sessions: end_sessions.clone(),
                accounts: accounts.clone(),
                refresh_tokens: shared.refresh_tokens.clone(),
                guard: guard.clone(),
            },
            list_sessions: ListSessions { store: store(), idle_lifetime: config.refresh.idle_lifetime },
            change_password: ChangePassword {
                store: store(),
                hasher: shared.hasher,
                rules: config.password_rules,
                throttle: shared.throttle,
            },
            guard,
            trusted_proxies: config.trusted_proxies.clone(),
            accounts,
            end_sessions,
        })
    }
}

impl Flows {
    /// Each handler is given its flow, and the routes are mounted.
    pub(super) fn mount(self, requests: RequestObserver) -> impl FnOnce(&mut ServiceConfig) {
        move |config| {
            config
                .app_data(Data::new(ReadRevocations { store: Arc::clone(&self.store) }))
                .app_data(Data::new(CheckReadiness { store: self.store }))
                .app_data(Data::new(self.trusted_proxies))
                .app_data(Data::new(self.registration))
                .app_data(Data::new(self.sign_in))
                .app_data(Data::new(self.refresh))
                .app_data(Data::new(self.sign_out))
                .app_data(Data::new(self.sign_out_everywhere))
                .app_data(Data::new(self.accounts))
                .app_data(Data::new(self.list_sessions))
                .app_data(Data::new(self.end_sessions))
                .app_data(Data::new(self.change_password))
                .configure(mount(routes(), self.guard, UnknownPath::NotFound, requests));
        }
    }
}

/// What more than one flow needs.
struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<SystemEntropy>,
    hasher: PasswordHasher,
    throttle: Throttle,
    refresh_tokens: RefreshTokens,
    issue: IssueTokens,
}

impl Shared {
    async fn new(
        config: &Config,
        keys: &LiveKeys,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HashingError> {
        let entropy = Arc::new(SystemEntropy);
        let hasher =
            PasswordHasher::new(config.hashing_threads, HashingCost::CURRENT, entropy.clone()).await?;
        // A token that is never replaced cannot name an end that moves with every use.
        let idle_end = config.refresh.idle_lifetime.filter(|_| config.refresh.rotation);
        let refresh_tokens = RefreshTokens::new(keys.refresh.clone(), config.issuer.clone(), idle_end);
        let issue = IssueTokens {
            access_keys: keys.access.clone(),
            refresh_tokens: refresh_tokens.clone(),
            issuer: config.issuer.clone(),
            access_lifetime: config.access_lifetime,
            entropy: entropy.clone(),
        };
        let (hasher, throttle) = (hasher.for_requests(), Throttle::new(Arc::clone(&clock)));
        Ok(Self { store, clock, entropy, hasher, throttle, refresh_tokens, issue })
    }

    fn register(&self, config: &Config) -> Register {
        Register {
            store: Arc::clone(&self.store),
            hasher: self.hasher.clone(),
            rules: config.password_rules,
            clock: Arc::clone(&self.clock),
            entropy: self.entropy.clone(),
        }
    }

    fn sign_in(&self, config: &Config) -> SignIn {
        SignIn {
            store: Arc::clone(&self.store),
            hasher: self.hasher.clone(),
            throttle: self.throttle.clone(),
            rehash: Rehash { store: Arc::clone(&self.store), hasher: self.hasher.clone() },
            issue: self.issue.clone(),
            scope: config.default_scope.clone(),
            audience: vec![config.audience.clone(), config.issuer.clone()],
            lifetime: config.refresh.lifetime,
            clock: Arc::clone(&self.clock),
            entropy: self.entropy.clone(),
        }
    }
}
