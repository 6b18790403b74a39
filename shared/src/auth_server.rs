//! The address of auth-server, and the HTTP client for it.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder};

/// The time limit for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The URL of auth-server, and a client that trusts its certificate and follows no redirects.
/// [`settings::auth_server`](crate::settings::auth_server) reads the URL and the certificates.
#[derive(Clone)]
pub struct AuthServer {
    url: String,
    client: Client,
}

impl AuthServer {
    /// The auth-server at `url`. Its certificate must be signed by one of `roots` or of the system's roots.
    ///
    /// # Errors
    /// Why no TLS client can be created, as a clause that follows the name of the URL's setting.
    pub fn new(url: &str, roots: &[Certificate]) -> Result<Self, String> {
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            // No other server may get a secret or supply keys.
            .redirect(Policy::none());
        let builder = if url.starts_with("https:") {
            builder.tls_certs_merge(roots.iter().cloned())
        } else {
            // Plain http must also work on a system without certificates.
            builder.tls_certs_only([])
        };
        let client =
            builder.build().map_err(|error| format!("cannot be used: {error}: {}", root_cause(&error)))?;
        Ok(Self { url: url.to_owned(), client })
    }

    /// Replaces host, port and path of the URL by `address`. An unspecified address, such as `0.0.0.0`, becomes the
    /// loopback address.
    #[must_use]
    pub fn connect_to(mut self, mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                Ipv4Addr::LOCALHOST.into()
            } else {
                Ipv6Addr::LOCALHOST.into()
            });
        }
        let scheme = if self.url.starts_with("https:") { "https" } else { "http" };
        self.url = format!("{scheme}://{address}");
        self
    }

    /// The URL of `path`.
    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }
}

/// The innermost cause, which is the most specific one: "Connection refused", "invalid peer certificate".
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
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
