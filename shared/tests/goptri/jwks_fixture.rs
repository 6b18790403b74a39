//! A guard that fetches the public keys of a [`FeedServer`], and its log.

use std::sync::Arc;
use std::time::Duration;

use goptri::keys::JwksRefreshConfig;
use goptri::revocation::ManualMonotonicClock;
use goptri::token::TokenType;
use goptri::{Environment, Guard, GuardBuilder, TokenError};
use goptri_settings::Settings;
use tracing::dispatcher::DefaultGuard;

use crate::captured_log::Log;
use crate::test_keys::{jwks, kid_of, pairs};
use test_support::feed_server::FeedServer;
use test_support::forge::{AUDIENCE, ISSUER, claims, stopped_clock};

/// No periodic refresh: every fetch is triggered. Failures are retried quickly.
pub(crate) const ON_TRIGGER: JwksRefreshConfig = JwksRefreshConfig {
    interval: Duration::from_hours(1),
    retry_after_change: Duration::from_hours(1),
    min_retry: Duration::from_millis(1),
    max_retry: Duration::from_millis(20),
    unknown_kid_cooldown: Duration::from_hours(1),
    change_cooldown: Duration::from_millis(1),
    timeout: Duration::from_secs(20),
};

/// Fetches again right after each response.
pub(crate) const CONTINUOUSLY: JwksRefreshConfig =
    JwksRefreshConfig { interval: Duration::from_millis(1), ..ON_TRIGGER };

pub(crate) struct FollowedKeys {
    pub(crate) server: FeedServer,
    pub(crate) clock: ManualMonotonicClock,
    pub(crate) guard: Guard,
    pub(crate) log: Log,
    _logging: DefaultGuard,
}

impl FollowedKeys {
    pub(crate) fn start(server: FeedServer, pace: JwksRefreshConfig, more: &[(&str, &str)]) -> Self {
        let (log, logging) = Log::start();
        let url = server.url();
        let common = [("AUTH_SERVER_URL", url.as_str()), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)];
        let environment = Environment::from_pairs([&common, more].concat());
        let settings = Settings::new(&environment);
        let following = GuardBuilder::from_settings_with_optional_feed(&settings);
        let following = settings.into_result(following).unwrap().key_refresh(pace);
        let clock = ManualMonotonicClock::default();
        let guard =
            following.clock(stopped_clock()).monotonic_clock(Arc::new(clock.clone())).build().unwrap();
        Self { server, clock, guard, log, _logging: logging }
    }

    /// The error of a token of this key, if it is rejected.
    pub(crate) fn rejection(&self, pem: &str) -> Option<TokenError> {
        self.guard.verify(&token_of(pem)).err()
    }

    /// Responds with this key alone until it is in use: with short timeouts, a response may be lost.
    pub(crate) fn publish_until_used(&self, pem: &str) {
        while self.rejection(pem).is_some() {
            self.server.next_keys_request().publish(&jwks(&[pem]));
        }
    }

    pub(crate) fn wait_until_used(&self, pem: &str) {
        self.wait("its token is accepted", || self.rejection(pem).is_none());
    }

    /// Waits until the key is known, even if the set of revocations is not ready.
    pub(crate) fn wait_until_known(&self, pem: &str) {
        let kid = kid_of(pem);
        self.wait("its key is known", || self.guard.keys().snapshot().names().any(|name| name.kid == kid));
    }

    pub(crate) fn wait_for_log(&self, sentence: &str) {
        self.wait(sentence, || self.log.text().contains(sentence));
    }

    pub(crate) fn wait(&self, what: &str, until: impl Fn() -> bool) {
        self.log.wait(what, until);
    }
}

pub(crate) fn token_of(pem: &str) -> String {
    pairs(pem).sign(TokenType::Access, &claims()).unwrap()
}
