//! Redirect URIs: which may be registered, and which requests match them (RFC 9700 §2.1, RFC 8252 §7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The most bytes of a redirect URI.
const MAX_BYTES: usize = 2_000;

/// The parameters of responses to `/authorize` (RFC 6749 §4.1.2, §4.2.2, RFC 9207 §2).
const RESPONSE_PARAMETERS: [&str; 10] = [
    "access_token",
    "code",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "iss",
    "scope",
    "state",
    "token_type",
];

/// A registered redirect URI: `https`, `http` on this machine, or a scheme of a native app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    url: Url,
}

/// Why a text is no redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// It is not an absolute URI in its usual form, or too long.
    #[error(
        "is not an absolute URI of at most 2000 printable ASCII characters, written as a browser would write it"
    )]
    NotCanonical,
    /// It has a fragment.
    #[error("has a fragment; the response is added to the URI")]
    Fragment,
    /// Its query has a parameter of the response, which would then be there twice.
    #[error("has a parameter of the response in its query, such as code or state; rename it")]
    ResponseParameter,
    /// It has a user name or a password.
    #[error("has a user name or a password")]
    UserInfo,
    /// `http` on another machine.
    #[error("uses http; only https is allowed, and http on 127.0.0.1, [::1] or localhost")]
    Http,
    /// A scheme that is not an app's own.
    #[error("has a scheme that no app owns; a native app uses a reversed domain, such as com.example.app")]
    Scheme,
}

impl RedirectUri {
    /// Parses a redirect URI to register.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotCanonical)?;
        if url.fragment().is_some() {
            return Err(InvalidRedirectUri::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidRedirectUri::UserInfo);
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&&*name)) {
            return Err(InvalidRedirectUri::ResponseParameter);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_local(&url) => {}
            "http" => return Err(InvalidRedirectUri::Http),
            scheme if is_of_an_app(scheme) => {}
            _ => return Err(InvalidRedirectUri::Scheme),
        }
        // A browser would go to what `Url` reads. Text that says something else is never registered.
        let is_canonical = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        if !is_canonical || text.len() > MAX_BYTES || !text.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) {
            return Err(InvalidRedirectUri::NotCanonical);
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// The text, as registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request with `presented` means this URI: the text is the same or, on `127.0.0.1` and `[::1]`, differs
    /// only in the port (RFC 8252 §7.3).
    pub fn matches(&self, presented: &str) -> bool {
        if self.text == presented {
            return true;
        }
        let (true, Ok(other)) = (self.is_loopback_address(), Self::parse(presented)) else { return false };
        let mut with_this_port = other.url;
        // `Url` adds a slash to an empty path, so the texts are compared for that.
        let same_end = self.text.ends_with('/') == presented.ends_with('/');
        // Setting the port cannot fail: the URL has a host.
        same_end && with_this_port.set_port(self.url.port()).is_ok() && with_this_port == self.url
    }

    /// Whether it is on `127.0.0.1` or `[::1]`, where any port matches.
    pub fn is_loopback_address(&self) -> bool {
        self.url.scheme() == "http" && loopback(&self.url).is_some()
    }

    /// Whether another program of the same machine could receive the response: on this machine, or at the scheme of an
    /// app (RFC 8252 §8.6).
    pub fn may_reach_another_app(&self) -> bool {
        self.url.scheme() != "https"
    }

    /// Whether a browser can post a form to it: it is not the scheme of an app.
    pub fn is_web(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }

    /// The origin of the page there, if it is `https`.
    pub fn https_origin(&self) -> Option<String> {
        (self.url.scheme() == "https").then(|| self.url.origin().ascii_serialization())
    }

    /// The host, for users. `None` at the scheme of an app, where the text in the place of a host says nothing about
    /// who gets the response.
    pub fn host(&self) -> Option<&str> {
        matches!(self.url.scheme(), "http" | "https").then(|| self.url.host_str())?
    }
}

fn is_local(url: &Url) -> bool {
    loopback(url).is_some() || url.host() == Some(Host::Domain("localhost"))
}

fn loopback(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) if address == Ipv4Addr::LOCALHOST => Some(address.into()),
        Host::Ipv6(address) if address == Ipv6Addr::LOCALHOST => Some(address.into()),
        _ => None,
    }
}

/// A reversed domain name has a dot; no scheme that a browser handles itself has one (RFC 8252 §7.1).
fn is_of_an_app(scheme: &str) -> bool {
    scheme.contains('.')
}
