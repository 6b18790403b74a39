//! The session cookie: its name, its domain, and the pages that may use it.

use std::sync::Arc;

use url::{Host, Url};

use crate::origin::{Origin, Origins, is_local};

const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";

/// The name and the domain of the session cookie, and the origins of the pages that may use it. Clones are cheap.
///
/// The prefix of the name follows from domain and issuer (CK-01): `__Host-`; or `__Secure-` with a domain; or none if
/// the issuer is http on localhost, where not every browser accepts a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie(Arc<Shared>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shared {
    name: String,
    domain: Option<String>,
    is_secure: bool,
    allowed_origins: Origins,
}

impl SessionCookie {
    /// The cookie `__Host-session` (`session` for an http issuer on localhost), for the pages of issuer and audience.
    pub fn new(issuer: &str, audience: &str) -> Self {
        let url = Url::parse(issuer).ok();
        let is_secure = !url.is_some_and(|url| url.scheme() == "http" && is_local(&url));
        let allowed_origins = [issuer, audience].into_iter().filter_map(Origin::of_url).collect();
        let shared = Shared { name: String::new(), domain: None, is_secure, allowed_origins };
        Self(Arc::new(Shared { name: format!("{}session", shared.prefix()), ..shared }))
    }

    /// Shares the cookie with all hosts of `domain`, which must contain the issuer's host.
    ///
    /// # Errors
    /// A clause that follows the name of the variable `SESSION_COOKIE_DOMAIN`.
    pub fn with_domain(self, domain: &str, issuer: &str) -> Result<Self, String> {
        check_domain(domain, issuer)?;
        let base = self.base_name().to_owned();
        let shared = Shared { domain: Some(domain.to_owned()), ..(*self.0).clone() };
        Ok(Self(Arc::new(Shared { name: format!("{}{base}", shared.prefix()), ..shared })))
    }

    /// Gives it another name, with or without its prefix. Call it after [`with_domain`](Self::with_domain).
    ///
    /// # Errors
    /// A clause that follows the name of the variable `SESSION_COOKIE_NAME`.
    pub fn with_name(self, text: &str) -> Result<Self, String> {
        let (given, base) = split_prefix(text);
        let prefix = self.0.prefix();
        let is_name = (1..=64).contains(&base.len())
            && base.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !base.starts_with("__");
        if !is_name {
            return Err(format!("is {text:?}; a name has 1 to 64 letters, digits, hyphens and underscores"));
        }
        if base == "refresh" {
            return Err(format!("is {text:?}, which is the cookie of the refresh token"));
        }
        if ![prefix, ""].contains(&given) && !prefix.is_empty() {
            let with = if self.0.domain.is_some() { "with" } else { "without" };
            return Err(format!("is {text:?}; {with} SESSION_COOKIE_DOMAIN it must be {prefix}{base}"));
        }
        Ok(Self(Arc::new(Shared { name: format!("{prefix}{base}"), ..(*self.0).clone() })))
    }

    /// Also lets pages of these origins send unsafe requests with the cookie.
    #[must_use]
    pub fn with_allowed_origins(self, origins: &Origins) -> Self {
        let allowed_origins = self.allowed_origins().iter().chain(origins.iter()).cloned().collect();
        Self(Arc::new(Shared { allowed_origins, ..(*self.0).clone() }))
    }

    /// Its name, with the prefix.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its `Domain` attribute.
    pub fn domain(&self) -> Option<&str> {
        self.0.domain.as_deref()
    }

    /// Whether cookies have the `Secure` attribute and a prefix.
    pub fn is_secure(&self) -> bool {
        self.0.is_secure
    }

    /// The origins whose pages may send unsafe requests with it.
    pub fn allowed_origins(&self) -> &Origins {
        &self.0.allowed_origins
    }

    fn base_name(&self) -> &str {
        split_prefix(self.name()).1
    }
}

impl Shared {
    fn prefix(&self) -> &'static str {
        match (self.is_secure, &self.domain) {
            (false, _) => "",
            (true, None) => HOST,
            (true, Some(_)) => SECURE,
        }
    }
}

fn split_prefix(name: &str) -> (&str, &str) {
    let split = |prefix| name.strip_prefix(prefix).map(|base| (prefix, base));
    split(HOST).or_else(|| split(SECURE)).unwrap_or(("", name))
}

fn check_domain(text: &str, issuer: &str) -> Result<(), String> {
    let url = Url::parse(&format!("https://{text}")).ok();
    let is_domain = url.as_ref().is_some_and(|url| {
        matches!(url.host(), Some(Host::Domain(host)) if host == text) && !text.starts_with('.')
    });
    if !is_domain {
        return Err(format!("is {text:?}, which is no domain such as example.com"));
    }
    if !text.contains('.') || text.ends_with('.') {
        return Err(format!("is {text:?}; browsers accept no cookie for a whole top-level domain"));
    }
    let issuer = Url::parse(issuer).ok();
    if issuer.as_ref().is_some_and(|issuer| issuer.scheme() == "http") {
        return Err("needs an https ISSUER".to_owned());
    }
    let host = issuer.as_ref().and_then(Url::host_str).unwrap_or(text);
    if host != text && !host.strip_suffix(text).is_some_and(|sub| sub.ends_with('.')) {
        return Err(format!("is {text:?}; {host}, the host of ISSUER, is not in that domain"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example.com/auth";
    const LOCAL: &str = "http://localhost:4000";

    fn cookie(issuer: &str) -> SessionCookie {
        SessionCookie::new(issuer, "https://api.example.com")
    }

    /// CK-01
    #[test]
    fn the_prefix_follows_from_issuer_and_domain() {
        let shared = cookie(ISSUER).with_domain("example.com", ISSUER).unwrap();
        for (cookie, prefix, secure) in
            [(cookie(ISSUER), "__Host-", true), (shared, "__Secure-", true), (cookie(LOCAL), "", false)]
        {
            assert_eq!((cookie.name(), cookie.is_secure()), (format!("{prefix}session").as_str(), secure));
            let named = |name: &str| cookie.clone().with_name(name).map(|cookie| cookie.name().to_owned());
            assert_eq!(named("app-1_x"), Ok(format!("{prefix}app-1_x")));
            assert_eq!(named(&format!("{prefix}app")), Ok(format!("{prefix}app")));
            for bad in
                ["", "__Host-", "a b", "a=b", "a;b", "sössion", "__session", "__host-session", "refresh"]
            {
                assert!(named(bad).is_err(), "{prefix} {bad}");
            }
            assert!(named(&"a".repeat(65)).is_err());
            for other in ["__Host-", "__Secure-"].into_iter().filter(|other| *other != prefix) {
                assert_eq!(named(&format!("{other}app")).is_err(), secure, "{prefix} {other}");
            }
        }
    }

    #[test]
    fn a_domain_contains_the_issuer() {
        for good in ["example.com", "login.example.com"] {
            assert_eq!(cookie(ISSUER).with_domain(good, ISSUER).unwrap().domain(), Some(good));
        }
        for (bad, problem) in [
            ("", "which is no domain"),
            (".example.com", "which is no domain"),
            ("Example.com", "which is no domain"),
            ("example.com:443", "which is no domain"),
            ("example.com/", "which is no domain"),
            ("https://example.com", "which is no domain"),
            ("a@example.com", "which is no domain"),
            ("example.com; Path=/", "which is no domain"),
            ("127.0.0.1", "which is no domain"),
            ("com", "a whole top-level domain"),
            ("com.", "a whole top-level domain"),
            ("example.org", "login.example.com, the host of ISSUER, is not in that domain"),
            ("ample.com", "login.example.com, the host of ISSUER, is not in that domain"),
            ("www.login.example.com", "login.example.com, the host of ISSUER, is not in that domain"),
        ] {
            let found = cookie(ISSUER).with_domain(bad, ISSUER).unwrap_err();
            assert!(found.contains(problem), "{bad}: {found}");
        }
        assert_eq!(cookie(LOCAL).with_domain("example.com", LOCAL), Err("needs an https ISSUER".to_owned()));
    }

    #[test]
    fn the_allowed_origins_are_those_of_issuer_audience_and_those_that_are_added() {
        let more = Origins::parse("http://localhost:5173").unwrap();
        let cookie = SessionCookie::new(ISSUER, "https://api.example.com/v1").with_allowed_origins(&more);
        let allowed_origins: Vec<_> = cookie.allowed_origins().iter().map(Origin::as_str).collect();
        assert_eq!(
            allowed_origins,
            ["https://login.example.com", "https://api.example.com", "http://localhost:5173"]
        );
        assert_eq!(SessionCookie::new(ISSUER, "photos").allowed_origins().iter().count(), 1);
    }
}
