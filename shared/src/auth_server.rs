//! Where auth-server is, and how it is asked.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder};

/// For a connection.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(5);

/// An address, and a client that trusts the right certificates and goes nowhere else.
/// [`settings::auth_server`](crate::settings::auth_server) reads it.
#[derive(Clone)]
pub struct AuthServer {
    url: String,
    client: Client,
}

impl AuthServer {
    /// The auth-server at `url`, whose certificate one of `roots` or of the system's has signed.
    ///
    /// # Errors
    /// In words, when there is no way to make a safe connection.
    pub fn new(url: &str, roots: &[Certificate]) -> Result<Self, String> {
        let builder = Client::builder()
            .connect_timeout(PATIENCE_TO_CONNECT)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            // Nobody else is given a secret, nor believed about keys.
            .redirect(Policy::none());
        let builder = if url.starts_with("https:") {
            builder.tls_certs_merge(roots.iter().cloned())
        } else {
            // Needs no certificates, and must work on a system that has none.
            builder.tls_certs_only([])
        };
        let client =
            builder.build().map_err(|error| format!("cannot be asked: {error}: {}", cause(&error)))?;
        Ok(Self { url: url.to_owned(), client })
    }

    /// The same, where it listens at `address` of this very machine, over plain http.
    #[must_use]
    pub fn at_local_address(mut self, mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        self.url = format!("http://{address}");
        self
    }

    /// The URL of what it has at that path.
    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }
}

/// The innermost cause is the one that helps: "Connection refused", "invalid peer certificate".
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl fmt::Debug for AuthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthServer").field("url", &self.url).finish_non_exhaustive()
    }
}
