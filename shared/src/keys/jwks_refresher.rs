//! Keeps the public keys of auth-server up to date, on a thread of its own.

use std::io;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::{self, FetchError, Fetched, fetch};
use super::{JwksError, KeySource, KeysUnavailable, PATH, PublicKeyError};
use crate::auth_server::AuthServer;
use crate::background_thread::OwnThread;

/// How often keys are fetched, for whatever reason.
#[derive(Debug, Clone, Copy)]
pub struct JwksRefreshConfig {
    /// When nothing else asks for it.
    pub refresh: Duration,
    /// Again after it was said that they have changed; it doubles each time, up to `refresh`.
    pub again: Duration,
    /// After a failure; it doubles with each.
    pub shortest_pause: Duration,
    /// After any failure.
    pub longest_pause: Duration,
    /// From one attempt to the next, however many tokens name a key that is not known.
    pub cool_down: Duration,
    /// From one attempt to the next, however often it is said that the keys have changed.
    pub least: Duration,
    /// For an answer.
    pub patience: Duration,
}

impl Default for JwksRefreshConfig {
    fn default() -> Self {
        Self {
            refresh: Duration::from_mins(5),
            again: Duration::from_millis(200),
            shortest_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            cool_down: Duration::from_secs(10),
            least: Duration::from_millis(100),
            patience: fetch::PATIENCE,
        }
    }
}

/// By which others say that the keys should be looked at. Clones say it to the same follower.
#[derive(Debug, Clone, Default)]
pub struct KeyRefreshTrigger(Arc<Wanted>);

#[derive(Debug, Default)]
struct Wanted {
    changed: Notify,
    missed: Notify,
}

impl KeyRefreshTrigger {
    /// They have changed, or may have.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// A token named one that is not known. That may be anybody's invention, so it is looked into once in a while only.
    pub fn missed(&self) {
        self.0.missed.notify_one();
    }
}

/// Fetches until it is dropped. What was fetched last stays in use while auth-server is away.
#[derive(Debug)]
pub struct JwksRefresher {
    wanted: KeyRefreshTrigger,
    _thread: OwnThread,
}

impl JwksRefresher {
    /// Begins.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        auth_server: AuthServer,
        keys: KeySource,
        wanted: KeyRefreshTrigger,
        pace: JwksRefreshConfig,
    ) -> io::Result<Self> {
        let url = auth_server.url_of(PATH);
        let following = RefreshTask {
            auth_server,
            keys,
            wanted: wanted.clone(),
            pace,
            etag: None,
            journal: Journal::new(url),
        };
        let thread = OwnThread::start("goptri-keys", following.follow())?;
        Ok(Self { wanted, _thread: thread })
    }

    /// A token named a key that is not known.
    pub fn missed(&self) {
        self.wanted.missed();
    }
}

/// Why it is time to fetch.
#[derive(PartialEq, Eq)]
enum Woken {
    /// The keys have changed, or may have.
    Told,
    Otherwise,
}

struct RefreshTask {
    auth_server: AuthServer,
    keys: KeySource,
    wanted: KeyRefreshTrigger,
    pace: JwksRefreshConfig,
    etag: Option<HeaderValue>,
    journal: Journal,
}

impl RefreshTask {
    async fn follow(mut self) {
        let mut after_failure = self.pace.shortest_pause;
        let mut after_success = self.pace.refresh;
        loop {
            #[expect(
                clippy::disallowed_methods,
                reason = "the start of a pause on the clock of tokio's timers"
            )]
            let began = Instant::now();
            let fetched = fetch(&self.auth_server, self.etag.as_ref(), self.pace.patience).await;
            let pause = match fetched {
                Ok(fetched) => {
                    self.learn(fetched);
                    after_failure = self.pace.shortest_pause;
                    let pause = after_success;
                    after_success = (pause * 2).min(self.pace.refresh);
                    pause
                }
                Err(fault) => {
                    self.journal.failed(fault);
                    let pause = after_failure;
                    after_failure = (pause * 2).min(self.pace.longest_pause);
                    pause
                }
            };
            if self.until_wanted(began, pause).await == Woken::Told {
                // Behind one address there may be several auth-servers, which get new keys one after the other. The one that
                // answers may not have them yet, and is not the one that would say so.
                after_success = self.pace.again;
            }
        }
    }

    fn learn(&mut self, fetched: Fetched) {
        if let Fetched::Keys { keys, left_out, etag } = fetched {
            self.journal.left_out(&left_out);
            self.etag = etag;
            self.keys.set_published(keys);
        }
        self.journal.heard(&self.keys);
    }

    async fn until_wanted(&self, began: Instant, pause: Duration) -> Woken {
        let Wanted { changed, missed } = &*self.wanted.0;
        tokio::select! {
            () = sleep(pause) => Woken::Otherwise,
            () = async { sleep_until(began + self.pace.least).await; changed.notified().await } => Woken::Told,
            () = async { missed.notified().await; sleep_until(began + self.pace.cool_down).await } => Woken::Otherwise,
        }
    }
}

/// What the log is told: what is known whenever that is something else, and each failure once until the next success.
struct Journal {
    url: String,
    told: String,
    failures: Vec<FetchError>,
}

impl Journal {
    fn new(url: String) -> Self {
        Self { url, told: String::new(), failures: Vec::new() }
    }

    fn heard(&mut self, keys: &KeySource) {
        self.failures.clear();
        let told = match keys.ready() {
            Err(lacking) => lacking.to_string(),
            Ok(()) => keys.snapshot().describe(),
        };
        if told == self.told {
            return;
        }
        let url = &self.url;
        match keys.ready() {
            Err(lacking @ KeysUnavailable::None) => tracing::error!(url, "this service {lacking}"),
            Err(lacking) => tracing::warn!(url, "this service {lacking}"),
            Ok(()) => tracing::info!(url, keys = told, "access tokens are verified with these keys"),
        }
        self.told = told;
    }

    fn left_out(&self, faults: &[PublicKeyError]) {
        for fault in faults {
            tracing::warn!(url = self.url, reason = %fault, "a key that auth-server publishes is not used");
        }
    }

    fn failed(&mut self, fault: FetchError) {
        if self.failures.iter().any(|told| is_as(told, &fault)) {
            return;
        }
        let url = &self.url;
        if fault == FetchError::Unusable(JwksError::PrivateMembers) {
            tracing::error!(url, reason = %fault, "{NOT_FETCHED}");
        } else {
            tracing::warn!(url, reason = %fault, "{NOT_FETCHED}");
        }
        self.failures.push(fault);
    }
}

const NOT_FETCHED: &str = "the public keys of auth-server cannot be fetched; those of the last time stay in use, and it is tried again";

/// Whether both are failures of one kind; each thing that can be wrong with an answer is one.
fn is_as(one: &FetchError, other: &FetchError) -> bool {
    match (one, other) {
        (FetchError::Unusable(one), FetchError::Unusable(other)) => one == other,
        _ => discriminant(one) == discriminant(other),
    }
}
