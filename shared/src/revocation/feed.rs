//! Where the feed is, and how to ask for it.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder};

use super::{FeedSecrets, HEARTBEAT_EVERY, PATH};

/// An address, a secret, and a client that trusts the right certificates. [`Settings::feed`](crate::Settings::feed) reads it.
#[derive(Clone)]
pub struct Feed {
    url: String,
    secrets: FeedSecrets,
    client: Client,
    pub(super) pace: Pace,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For a connection.
    pub connect: Duration,
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

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            first: Duration::from_mins(1),
            next: 3 * HEARTBEAT_EVERY,
            shortest_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(1_500),
        }
    }
}

impl Feed {
    /// The feed of the auth-server at `url`, whose certificate one of `roots` or of the system's has signed.
    ///
    /// # Errors
    /// In words, when there is no way to make a safe connection.
    pub fn new(url: &str, roots: &[Certificate], secrets: FeedSecrets) -> Result<Self, String> {
        let pace = Pace::default();
        let builder = Client::builder()
            .connect_timeout(pace.connect)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            // Nobody else is given the secret.
            .redirect(Policy::none());
        let builder = if url.starts_with("https:") {
            builder.tls_certs_merge(roots.iter().cloned())
        } else {
            // Needs no certificates, and must work on a system that has none.
            builder.tls_certs_only([])
        };
        let client = builder.build().map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            format!("cannot be asked: {error}: {cause}")
        })?;
        Ok(Self { url: format!("{url}{PATH}"), secrets, client, pace })
    }

    /// The same, more or less patient.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The same of an auth-server that listens at `address` of this very machine, over plain http.
    #[must_use]
    pub fn on_this_machine(mut self, mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        self.url = format!("http://{address}{PATH}");
        self
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn request(&self) -> RequestBuilder {
        let request = self.client.get(&self.url).header(ACCEPT, "text/event-stream");
        match HeaderValue::try_from(format!("Bearer {}", self.secrets.presented().expose()).into_bytes()) {
            Ok(mut secret) => {
                secret.set_sensitive(true);
                request.header(AUTHORIZATION, secret)
            }
            // No secret has control characters.
            Err(_) => request,
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("url", &self.url).field("pace", &self.pace).finish_non_exhaustive()
    }
}
