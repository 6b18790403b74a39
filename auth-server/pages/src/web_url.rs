//! Addresses that pages link to, load an image from or send a form to.

use url::{Host, Url};

/// An absolute http or https URL. A page links to no other: `javascript:` and `data:` would run in its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

impl WebUrl {
    /// Parses a URL. `None`: it is not absolute, or neither http nor https, or contains a user name or password, which
    /// imitate a host (`https://bank.example@other.example`).
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_web && url.username().is_empty() && url.password().is_none()).then_some(Self(url))
    }

    /// The URL, serialized.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host and a port other than the scheme's, in ASCII, so that a name with letters of another script is seen to
    /// be one (`xn--…`).
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// The address of a logo: a [`WebUrl`], or an absolute path on auth-server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    address: String,
    /// For `img-src`.
    source: String,
}

impl Logo {
    /// Parses an address. `None`: it is neither a [`WebUrl`] nor a path that starts with one `/`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_path =
            text.starts_with('/') && !text.starts_with("//") && !text.contains(['\\', '\t', '\n', '\r']);
        if is_path {
            return Some(Self { address: text.to_owned(), source: "'self'".to_owned() });
        }
        let url = WebUrl::parse(text)?;
        Some(Self { address: url.as_str().to_owned(), source: url.0.origin().ascii_serialization() })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

/// Where the response to an application goes, as a user sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A website, by its host.
    Site(String),
    /// A program on the user's device: a loopback address or a scheme of its own.
    ThisDevice,
    /// No application waits for a response.
    None,
}

impl Destination {
    pub(crate) fn of(redirect_uri: Option<&str>) -> Self {
        let Some(redirect_uri) = redirect_uri else { return Self::None };
        match WebUrl::parse(redirect_uri) {
            Some(url) if !url.is_loopback() => Self::Site(url.host()),
            _ => Self::ThisDevice,
        }
    }
}

/// The scheme of a URI, in lower case. `None`: the text has none, or one that has no place in a header.
pub(crate) fn scheme_of(uri: &str) -> Option<String> {
    let (scheme, _) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_are_addresses_of_the_web() {
        for (text, host) in [
            ("https://print.example/a?b", Some("print.example")),
            ("http://127.0.0.1:5000/cb", Some("127.0.0.1:5000")),
            ("https://bücher.example", Some("xn--bcher-kva.example")),
            ("javascript:alert(1)", None),
            (" jAvAscript:alert(1)", None),
            ("data:text/html,x", None),
            ("https://bank.example@evil.example", None),
            ("//evil.example", None),
            ("/account", None),
            ("com.example.app:/cb", None),
        ] {
            assert_eq!(WebUrl::parse(text).map(|url| url.host()).as_deref(), host, "{text}");
        }
    }

    #[test]
    fn a_logo_is_on_the_web_or_a_path_of_this_server() {
        for (text, source) in [
            ("/assets/logo.svg", Some("'self'")),
            ("https://print.example:8443/logo.png", Some("https://print.example:8443")),
            ("//evil.example/logo.png", None),
            ("/\\evil.example/logo.png", None),
            ("/\t/evil.example/logo.png", None),
            ("data:image/svg+xml,x", None),
            ("logo.png", None),
        ] {
            assert_eq!(Logo::parse(text).as_ref().map(Logo::source), source, "{text}");
        }
    }

    #[test]
    fn a_loopback_address_and_a_scheme_of_its_own_are_this_device() {
        for uri in
            ["http://127.0.0.1:5000/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb"]
        {
            assert_eq!(Destination::of(Some(uri)), Destination::ThisDevice, "{uri}");
        }
        assert_eq!(Destination::of(Some("https://a.example/cb")), Destination::Site("a.example".to_owned()));
    }

    #[test]
    fn a_scheme_cannot_add_to_a_policy() {
        assert_eq!(scheme_of("Com.Example.App:/cb").as_deref(), Some("com.example.app"));
        for uri in ["a b:/cb", "a;script-src *:/cb", "'self':x", ":x", "1a:x", "x"] {
            assert_eq!(scheme_of(uri), None, "{uri}");
        }
    }
}
