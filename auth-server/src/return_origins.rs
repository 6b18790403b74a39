//! `RETURN_ORIGINS`: the web apps to which a sign-in returns (forward authentication).

use goptri::cookie::SessionCookie;
use goptri::origin::{Origin, Origins};
use goptri_settings::Settings;
use url::Url;

const NAME: &str = "RETURN_ORIGINS";

/// The origins, separated by commas; none by default. Each must be one that the session cookie reaches.
pub(crate) fn read(settings: &Settings<'_>, issuer: &str, cookie: &SessionCookie) -> Option<Origins> {
    let parsed = settings.value(NAME, "", |text| Ok::<_, String>(Origins::parse(text)))?;
    let origins = parsed.unwrap_or_else(|errors| {
        for error in errors {
            settings.report(NAME, error);
        }
        Origins::default()
    });
    for origin in origins.iter().filter(|origin| !reaches(cookie, issuer, origin)) {
        settings.report(NAME, out_of_reach(origin));
    }
    Some(origins)
}

/// The URL to which a sign-in returns: the very one that was checked. `None`: it is not of one of these origins.
pub(crate) fn return_url(origins: &Origins, text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let origin = url.origin().ascii_serialization();
    let has_user = !url.username().is_empty() || url.password().is_some();
    (!has_user && origins.contains(origin.as_bytes())).then(|| url.into())
}

/// Whether a browser sends the cookie to that origin: it has the issuer's host, or is in the cookie's domain.
fn reaches(cookie: &SessionCookie, issuer: &str, origin: &Origin) -> bool {
    let host = |text: &str| Url::parse(text).ok()?.host_str().map(str::to_owned);
    let (Some(host_of_issuer), Some(host)) = (host(issuer), host(origin.as_str())) else { return false };
    let is_in =
        |domain: &str| host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
    host == host_of_issuer || cookie.domain().is_some_and(is_in)
}

fn out_of_reach(origin: &Origin) -> String {
    format!(
        "contains {origin}, which the session cookie does not reach; it has another host than ISSUER, and \
         SESSION_COOKIE_DOMAIN does not include it"
    )
}

#[cfg(test)]
mod tests {
    use goptri_settings::Environment;

    use super::*;

    const ISSUER: &str = "https://login.example.com";

    fn errors(text: &str, domain: Option<&str>) -> usize {
        let environment = Environment::from_pairs([(NAME, text)]);
        let settings = Settings::new(&environment);
        let cookie = SessionCookie::new(ISSUER, "https://api.example.com");
        let cookie = domain.map_or(cookie.clone(), |domain| cookie.with_domain(domain, ISSUER).unwrap());
        let origins = read(&settings, ISSUER, &cookie);
        settings.into_result(origins).map_or_else(|errors| errors.0.len(), |_| 0)
    }

    #[test]
    fn a_sign_in_returns_only_where_the_cookie_arrives() {
        for (text, domain, expected) in [
            ("", None, 0),
            ("https://login.example.com", None, 0),
            ("https://login.example.com:8443", None, 0),
            ("https://app.example.com", None, 1),
            ("https://app.example.com, https://example.com", Some("example.com"), 0),
            ("https://example.com.evil.example, https://evilexample.com", Some("example.com"), 2),
            ("https://app.example.com/path, *, null", Some("example.com"), 3),
        ] {
            assert_eq!(errors(text, domain), expected, "{text} {domain:?}");
        }
    }

    #[test]
    fn a_return_url_has_exactly_one_of_the_origins() {
        let origins = Origins::parse("https://app.example.com,http://localhost:8080").unwrap();
        for (text, expected) in [
            ("https://app.example.com/inbox?page=2#x", Some("https://app.example.com/inbox?page=2#x")),
            ("https://app.example.com", Some("https://app.example.com/")),
            ("https://app.example.com:443/", Some("https://app.example.com/")),
            ("https:app.example.com", Some("https://app.example.com/")),
            ("http://localhost:8080/a b", Some("http://localhost:8080/a%20b")),
            ("http://app.example.com/", None),
            ("https://app.example.com:8443/", None),
            ("https://app.example.com.evil.example/", None),
            ("https://app.example.com@evil.example/", None),
            ("https://user@app.example.com/", None),
            ("https://evil.example/https://app.example.com/", None),
            ("https://evil.example\\@app.example.com/", None),
            ("//app.example.com/", None),
            ("/inbox", None),
            ("javascript:alert(1)", None),
            ("", None),
        ] {
            assert_eq!(return_url(&origins, text).as_deref(), expected, "{text}");
        }
    }
}
