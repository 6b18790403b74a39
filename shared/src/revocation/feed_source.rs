//! The address of the feed, and the request for it.

use std::time::Duration;

use goptri_settings::Reloadable;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};

use super::{FEED_PATH, FeedSecrets, HEARTBEAT_INTERVAL};
use crate::auth_server::AuthServer;
use crate::keys::KeyRefreshTrigger;

/// The feed of one auth-server, with the secrets for it.
#[derive(Debug, Clone)]
pub struct FeedSource {
    auth_server: AuthServer,
    secrets: Reloadable<FeedSecrets>,
    pub(super) key_refresh: KeyRefreshTrigger,
    pub(super) timeouts: FeedTimeouts,
}

/// Time limits of a connection, and the pauses between connections.
#[derive(Debug, Clone, Copy)]
pub struct FeedTimeouts {
    /// Until the response headers arrive.
    pub response: Duration,
    /// From the response headers to the first data.
    pub first_event: Duration,
    /// Between any two pieces of data after that.
    pub next_event: Duration,
    /// The pause before the first reconnection. Doubles with each attempt. Jitter shortens each pause by up to half.
    pub min_backoff: Duration,
    /// The longest pause before a reconnection.
    pub max_backoff: Duration,
}

impl Default for FeedTimeouts {
    fn default() -> Self {
        Self {
            response: Duration::from_secs(15),
            first_event: Duration::from_mins(1),
            next_event: 3 * HEARTBEAT_INTERVAL,
            min_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(1_500),
        }
    }
}

impl FeedSource {
    /// The feed of that auth-server. Each connection presents the first of the secrets that are current at its start.
    pub fn new(auth_server: AuthServer, secrets: impl Into<Reloadable<FeedSecrets>>) -> Self {
        Self {
            auth_server,
            secrets: secrets.into(),
            key_refresh: KeyRefreshTrigger::default(),
            timeouts: FeedTimeouts::default(),
        }
    }

    /// Sets the trigger that fires when the key ring of auth-server has changed, or may have.
    #[must_use]
    pub fn with_key_refresh_trigger(mut self, trigger: KeyRefreshTrigger) -> Self {
        self.key_refresh = trigger;
        self
    }

    /// Replaces the default timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: FeedTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The URL of the feed.
    pub fn url(&self) -> String {
        self.auth_server.url_of(FEED_PATH)
    }

    pub(super) fn request(&self) -> RequestBuilder {
        let request = self.auth_server.get(&self.url()).header(ACCEPT, "text/event-stream");
        let secrets = self.secrets.load();
        match HeaderValue::try_from(format!("Bearer {}", secrets.first().expose()).into_bytes()) {
            Ok(mut secret) => {
                secret.set_sensitive(true);
                request.header(AUTHORIZATION, secret)
            }
            // Unreachable: validated secrets contain no control characters.
            Err(_) => request,
        }
    }
}
