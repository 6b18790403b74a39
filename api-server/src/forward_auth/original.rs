//! The request that a proxy asks about, as far as the headers describe it. Only headers of a trusted proxy are used,
//! because any client can send them.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderValue};
use goptri_server::TrustedProxies;
use url::Url;

/// The request that a proxy asks about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginalRequest {
    only_reads: bool,
    url: Option<Url>,
}

impl OriginalRequest {
    /// The request that the sender of `request` asks about.
    pub fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let describes = METHODS.iter().chain(&URL_PARTS).any(|name| headers.contains_key(*name));
        if describes && TrustedProxies::sent(request) { Self::described_by(headers) } else { Self::default() }
    }

    /// Whether it is a `GET` or a `HEAD`. A browser attaches cookies to requests of foreign pages, too, so an unknown or
    /// contradictory method does not count as one, and neither does a request to open a WebSocket.
    pub fn only_reads(&self) -> bool {
        self.only_reads
    }

    /// The method by which to check its cookies: `GET` if it [only reads](Self::only_reads), otherwise `POST`.
    pub fn method(&self) -> &'static str {
        if self.only_reads { "GET" } else { "POST" }
    }

    /// Its URL, if known.
    pub fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    pub(super) fn described_by(headers: &HeaderMap) -> Self {
        Self { only_reads: only_reads(headers), url: url(headers) }
    }
}

/// The first is nginx's by convention; Caddy and Traefik send the second.
const METHODS: [&str; 2] = ["x-original-method", "x-forwarded-method"];

const URL_PARTS: [&str; 3] = ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"];

/// `Upgrade` does not pass every proxy.
const UPGRADES: [&str; 3] = ["upgrade", "sec-websocket-key", "sec-websocket-version"];

fn only_reads(headers: &HeaderMap) -> bool {
    let mut methods = METHODS.iter().flat_map(|name| headers.get_all(*name)).map(HeaderValue::as_bytes);
    let is_read = methods
        .next()
        .is_some_and(|first| matches!(first, b"GET" | b"HEAD") && methods.all(|method| method == first));
    is_read && UPGRADES.iter().all(|name| !headers.contains_key(*name))
}

fn url(headers: &HeaderMap) -> Option<Url> {
    let [scheme, host, path] = URL_PARTS.map(|name| {
        let mut values = headers.get_all(name);
        let first = values.next().and_then(|value| value.to_str().ok());
        first.filter(|_| values.next().is_none())
    });
    let (scheme, host, path) = (scheme?, host?, path?);
    let is_plain = ["http", "https"].contains(&scheme)
        && !host.contains(['/', '\\', '?', '#', '@'])
        && path.starts_with('/');
    is_plain.then(|| Url::parse(&format!("{scheme}://{host}{path}")).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    fn described(pairs: &[(&str, &str)]) -> OriginalRequest {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        OriginalRequest::described_by(&headers)
    }

    /// CK-04
    #[test]
    fn only_an_undisputed_get_or_head_reads() {
        const ORIGINAL: &str = "X-Original-Method";
        const FORWARDED: &str = "X-Forwarded-Method";
        let table: [(&[(&str, &str)], bool); 21] = [
            (&[(ORIGINAL, "GET")], true),
            (&[(ORIGINAL, "HEAD")], true),
            (&[(FORWARDED, "GET")], true),
            (&[(FORWARDED, "HEAD")], true),
            (&[(ORIGINAL, "GET"), (FORWARDED, "GET")], true),
            (&[(ORIGINAL, "HEAD"), (FORWARDED, "HEAD")], true),
            (&[], false),
            (&[(ORIGINAL, "POST")], false),
            (&[(FORWARDED, "OPTIONS")], false),
            (&[(FORWARDED, "CONNECT")], false),
            (&[(ORIGINAL, "GET"), (FORWARDED, "POST")], false),
            (&[(ORIGINAL, "DELETE"), (FORWARDED, "GET")], false),
            (&[(ORIGINAL, "GET"), (FORWARDED, "HEAD")], false),
            (&[(ORIGINAL, "GET"), (FORWARDED, "")], false),
            (&[(FORWARDED, "GET"), (FORWARDED, "POST")], false),
            (&[(ORIGINAL, "get")], false),
            (&[(ORIGINAL, "GET, POST")], false),
            (&[(ORIGINAL, "")], false),
            (&[(ORIGINAL, "GET"), ("Upgrade", "websocket")], false),
            (&[(FORWARDED, "GET"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")], false),
            (&[(FORWARDED, "GET"), ("Sec-WebSocket-Version", "13")], false),
        ];
        for (pairs, expected) in table {
            let original = described(pairs);
            assert_eq!(original.only_reads(), expected, "{pairs:?}");
            assert_eq!(original.method(), if expected { "GET" } else { "POST" });
        }
    }

    #[test]
    fn the_url_is_known_if_all_its_parts_are_good() {
        let table = [
            ("https", "app.example.com", "/a?b=c&d", Some("https://app.example.com/a?b=c&d")),
            ("https", "app.example.com:8443", "/", Some("https://app.example.com:8443/")),
            ("http", "localhost:8080", "//x/y", Some("http://localhost:8080//x/y")),
            ("https", "app.example.com", "/@evil.example/", Some("https://app.example.com/@evil.example/")),
            ("https", "app.example.com", "@evil.example/", None),
            ("https", "app.example.com", ".evil.example/", None),
            ("https", "app.example.com", "", None),
            ("https", "ann@evil.example", "/", None),
            ("https", "evil.example/", "/", None),
            ("https", "evil.example?", "/", None),
            ("https", "a.example, b.example", "/", None),
            ("https", "", "/", None),
            ("javascript", "app.example.com", "/", None),
            ("https, http", "app.example.com", "/", None),
        ];
        for (scheme, host, path, expected) in table {
            let parts =
                [("X-Forwarded-Proto", scheme), ("X-Forwarded-Host", host), ("X-Forwarded-Uri", path)];
            assert_eq!(described(&parts).url().map(Url::as_str), expected, "{parts:?}");
            assert_eq!(described(&parts[..2]).url(), None);
            let twice = [parts[0], parts[1], parts[2], parts[1]];
            assert_eq!(described(&twice).url(), None);
        }
    }
}
