//! Where the feed is, and how to ask for it.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};

use super::{FeedSecrets, HEARTBEAT_INTERVAL, PATH};
use crate::auth_server::AuthServer;
use crate::keys::KeyRefreshTrigger;
use goptri_settings::Reloadable;

/// The feed of an auth-server, and the secret that opens it.
#[derive(Debug, Clone)]
pub struct FeedSource {
    auth_server: AuthServer,
    secrets: Reloadable<FeedSecrets>,
    pub(super) keys: KeyRefreshTrigger,
    pub(super) pace: FeedTimeouts,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct FeedTimeouts {
    /// For the head of the answer.
    pub answer: Duration,
    /// For the first of what follows it: auth-server serves a few newcomers at a time.
    pub first: Duration,
    /// For whatever comes next.
    pub next: Duration,
    /// Before the second attempt; it doubles with each.
    pub shortest_pause: Duration,
    /// Before any attempt.
    pub longest_pause: Duration,
}

impl Default for FeedTimeouts {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(15),
            first: Duration::from_mins(1),
            next: 3 * HEARTBEAT_INTERVAL,
            shortest_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(1_500),
        }
    }
}

impl FeedSource {
    /// The feed of that auth-server. Whatever the secrets are when it is asked, the first is presented.
    pub fn new(auth_server: AuthServer, secrets: impl Into<Reloadable<FeedSecrets>>) -> Self {
        Self {
            auth_server,
            secrets: secrets.into(),
            keys: KeyRefreshTrigger::default(),
            pace: FeedTimeouts::default(),
        }
    }

    /// The same, and it passes on that the ring of keys has changed.
    #[must_use]
    pub fn telling(mut self, keys: KeyRefreshTrigger) -> Self {
        self.keys = keys;
        self
    }

    /// The same, more or less patient.
    #[must_use]
    pub fn at_pace(mut self, pace: FeedTimeouts) -> Self {
        self.pace = pace;
        self
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.auth_server.url_of(PATH)
    }

    pub(super) fn request(&self) -> RequestBuilder {
        let request = self.auth_server.get(&self.url()).header(ACCEPT, "text/event-stream");
        let secrets = self.secrets.load();
        match HeaderValue::try_from(format!("Bearer {}", secrets.presented().expose()).into_bytes()) {
            Ok(mut secret) => {
                secret.set_sensitive(true);
                request.header(AUTHORIZATION, secret)
            }
            // No secret has control characters.
            Err(_) => request,
        }
    }
}
