//! Keeps the public keys of auth-server up to date, on a thread of its own.

use std::io;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use goptri_settings::TaskHealth;
use reqwest::header::HeaderValue;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::{self, FetchError, Fetched, fetch};
use super::jwks::{JWKS_PATH, JwksError};
use super::key_source::{KeySource, KeysUnavailable};
use super::public_key::PublicKeyError;
use crate::auth_server::AuthServer;
use crate::background_thread::BackgroundThread;

/// How often the keys are fetched.
#[derive(Debug, Clone, Copy)]
pub struct JwksRefreshConfig {
    /// The regular interval.
    pub interval: Duration,
    /// The pause after the fetch that a reported change triggers, because that fetch may reach a server that does not
    /// have the new keys yet. It doubles with each further fetch, up to `interval`.
    pub retry_after_change: Duration,
    /// The first pause after a failure. It doubles up to `max_retry`.
    pub min_retry: Duration,
    /// The longest pause after a failure.
    pub max_retry: Duration,
    /// The least time between a fetch because of an unknown `kid` and the previous fetch of any kind.
    pub unknown_kid_cooldown: Duration,
    /// The least time between a fetch because of a reported change and the previous fetch of any kind.
    pub change_cooldown: Duration,
    /// The limit for one response.
    pub timeout: Duration,
}

impl Default for JwksRefreshConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(5),
            retry_after_change: Duration::from_millis(200),
            min_retry: Duration::from_millis(200),
            max_retry: Duration::from_secs(10),
            unknown_kid_cooldown: Duration::from_secs(10),
            change_cooldown: Duration::from_millis(100),
            timeout: fetch::RESPONSE_TIMEOUT,
        }
    }
}

/// Makes a [`JwksRefresher`] fetch the keys. Clones trigger the same refresher.
#[derive(Debug, Clone, Default)]
pub struct KeyRefreshTrigger(Arc<Triggers>);

#[derive(Debug, Default)]
struct Triggers {
    keys_changed: Notify,
    unknown_kid: Notify,
}

impl KeyRefreshTrigger {
    /// Reports that the keys have changed, or may have.
    pub fn notify_keys_changed(&self) {
        self.0.keys_changed.notify_one();
    }

    /// Reports a token that names an unknown key. Any client can send such tokens, so these fetches are rate-limited.
    pub fn notify_unknown_kid(&self) {
        self.0.unknown_kid.notify_one();
    }
}

/// Fetches the keys until it is dropped. The last good set stays in use while auth-server is unreachable.
#[derive(Debug)]
pub struct JwksRefresher {
    trigger: KeyRefreshTrigger,
    thread: BackgroundThread,
}

impl JwksRefresher {
    /// Starts to fetch the keys into `keys`.
    ///
    /// # Errors
    /// If the operating system cannot create a thread.
    pub fn start(
        auth_server: AuthServer,
        keys: KeySource,
        trigger: KeyRefreshTrigger,
        config: JwksRefreshConfig,
    ) -> io::Result<Self> {
        let triggered = trigger.clone();
        let thread = BackgroundThread::start("goptri-keys", move || {
            let log = TransitionLog::new(auth_server.url_of(JWKS_PATH));
            let (auth_server, keys, trigger) = (auth_server.clone(), keys.clone(), triggered.clone());
            RefreshTask { auth_server, keys, trigger, config, etag: None, log }.run()
        })?;
        Ok(Self { trigger, thread })
    }

    /// Says whether the refresher is down: whether it panicked and is being restarted.
    pub fn health(&self) -> &TaskHealth {
        self.thread.health()
    }

    /// Reports a token that names an unknown key.
    pub fn notify_unknown_kid(&self) {
        self.trigger.notify_unknown_kid();
    }
}

/// Why the next fetch is due.
#[derive(PartialEq, Eq)]
enum WakeReason {
    /// A change was reported.
    Notified,
    Other,
}

struct RefreshTask {
    auth_server: AuthServer,
    keys: KeySource,
    trigger: KeyRefreshTrigger,
    config: JwksRefreshConfig,
    etag: Option<HeaderValue>,
    log: TransitionLog,
}

impl RefreshTask {
    async fn run(mut self) {
        let mut after_failure = self.config.min_retry;
        let mut after_success = self.config.interval;
        loop {
            #[expect(
                clippy::disallowed_methods,
                reason = "the start of a pause on the clock of tokio's timers"
            )]
            let began = Instant::now();
            let fetched = fetch(&self.auth_server, self.etag.as_ref(), self.config.timeout).await;
            let pause = match fetched {
                Ok(fetched) => {
                    self.apply(fetched);
                    after_failure = self.config.min_retry;
                    let pause = after_success;
                    after_success = (pause * 2).min(self.config.interval);
                    pause
                }
                Err(error) => {
                    self.log.failed(error);
                    let pause = after_failure;
                    after_failure = (pause * 2).min(self.config.max_retry);
                    pause
                }
            };
            if self.wait(began, pause).await == WakeReason::Notified {
                // Several auth-servers may share one address and get new keys at different times. The one that responds
                // may not have them yet.
                after_success = self.config.retry_after_change;
            }
        }
    }

    fn apply(&mut self, fetched: Fetched) {
        if let Fetched::Keys { keys, skipped, etag } = fetched {
            self.log.skipped(&skipped);
            self.etag = etag;
            self.keys.set_published(keys);
        }
        self.log.fetched(&self.keys);
    }

    async fn wait(&self, began: Instant, pause: Duration) -> WakeReason {
        let Triggers { keys_changed, unknown_kid } = &*self.trigger.0;
        let (after_change, after_unknown) = (self.config.change_cooldown, self.config.unknown_kid_cooldown);
        tokio::select! {
            () = sleep(pause) => WakeReason::Other,
            () = async { sleep_until(began + after_change).await; keys_changed.notified().await } => WakeReason::Notified,
            () = async { unknown_kid.notified().await; sleep_until(began + after_unknown).await } => WakeReason::Other,
        }
    }
}

/// Logs changes of the keys, and each kind of failure once until the next success.
struct TransitionLog {
    url: String,
    state: String,
    failures: Vec<FetchError>,
}

impl TransitionLog {
    fn new(url: String) -> Self {
        Self { url, state: String::new(), failures: Vec::new() }
    }

    fn fetched(&mut self, keys: &KeySource) {
        self.failures.clear();
        let ready = keys.check_ready();
        let state = match ready {
            Err(missing) => missing.to_string(),
            Ok(()) => keys.snapshot().describe(),
        };
        if state == self.state {
            return;
        }
        let url = &self.url;
        match ready {
            Err(missing @ KeysUnavailable::NoKeys) => tracing::error!(url, "this service {missing}"),
            Err(missing) => tracing::warn!(url, "this service {missing}"),
            Ok(()) => tracing::info!(url, keys = state, "access tokens are verified with these keys"),
        }
        self.state = state;
    }

    fn skipped(&self, errors: &[PublicKeyError]) {
        for error in errors {
            tracing::warn!(url = self.url, reason = %error, "a key that auth-server publishes is not used");
        }
    }

    fn failed(&mut self, error: FetchError) {
        if self.failures.iter().any(|logged| is_same_kind(logged, &error)) {
            return;
        }
        let url = &self.url;
        if error == FetchError::Unusable(JwksError::PrivateMembers) {
            tracing::error!(url, reason = %error, "{NOT_FETCHED}");
        } else {
            tracing::warn!(url, reason = %error, "{NOT_FETCHED}");
        }
        self.failures.push(error);
    }
}

const NOT_FETCHED: &str =
    "the public keys of auth-server cannot be fetched; the last ones stay in use, and the fetch is repeated";

fn is_same_kind(one: &FetchError, other: &FetchError) -> bool {
    match (one, other) {
        (FetchError::Unusable(one), FetchError::Unusable(other)) => one == other,
        _ => discriminant(one) == discriminant(other),
    }
}
