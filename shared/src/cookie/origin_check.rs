//! Which requests may use or set cookies: a browser attaches cookies to cross-site requests too (CSRF).

use crate::origin::Origins;

/// Whether a request with this method, `Sec-Fetch-Site` and `Origin` may use or set cookies (CK-04, CK-13).
///
/// A request with a safe method may. Any other request may if its `Sec-Fetch-Site` is `same-origin`, or `none` (the
/// user sent it, not a page), or if its `Origin` is one of `allowed_origins`. `Host` is ignored: a proxy may change it.
///
/// Pass `None` for a header that the request lacks, and an empty value for one that occurs twice.
pub fn may_use_cookies(
    method: &str,
    fetch_site: Option<&[u8]>,
    origin: Option<&[u8]>,
    allowed_origins: &Origins,
) -> bool {
    let is_safe = matches!(method, "GET" | "HEAD" | "OPTIONS");
    is_safe
        || matches!(fetch_site, Some(b"same-origin" | b"none"))
        || origin.is_some_and(|origin| allowed_origins.contains(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "https://app.example.com";
    const FOREIGN: &str = "https://evil.example";

    fn allowed(method: &str, fetch_site: Option<&str>, origin: Option<&str>) -> bool {
        let allowed_origins = Origins::parse("https://login.example.com, https://app.example.com").unwrap();
        may_use_cookies(method, fetch_site.map(str::as_bytes), origin.map(str::as_bytes), &allowed_origins)
    }

    /// CK-04
    #[test]
    fn unsafe_requests_must_come_from_the_same_origin_or_a_listed_one() {
        let table = [
            (Some("same-origin"), None, true),
            (Some("same-origin"), Some(LISTED), true),
            (Some("same-origin"), Some(FOREIGN), true),
            (Some("same-origin"), Some("null"), true),
            (Some("none"), None, true),
            (Some("none"), Some("null"), true),
            (Some("same-site"), None, false),
            (Some("same-site"), Some("https://other.example.com"), false),
            (Some("same-site"), Some(LISTED), true),
            (Some("cross-site"), None, false),
            (Some("cross-site"), Some(FOREIGN), false),
            (Some("cross-site"), Some("null"), false),
            (Some("cross-site"), Some(LISTED), true),
            // Not known, or twice: as if absent.
            (Some(""), None, false),
            (Some("Same-Origin"), None, false),
            (Some("same-origin, same-origin"), None, false),
            (Some("everywhere"), Some(LISTED), true),
            // An old browser.
            (None, None, false),
            (None, Some(""), false),
            (None, Some("null"), false),
            (None, Some(FOREIGN), false),
            (None, Some(LISTED), true),
            (None, Some("https://login.example.com"), true),
            (None, Some("https://app.example.com/"), false),
            (None, Some("https://app.example.com/path"), false),
            (None, Some("https://app.example.com:443"), false),
            (None, Some("https://app.example.com:8443"), false),
            (None, Some("http://app.example.com"), false),
            (None, Some("https://APP.example.com"), false),
            (None, Some("https://app.example.com.evil.example"), false),
        ];
        for (fetch_site, origin, expected) in table {
            for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", ""] {
                assert_eq!(
                    allowed(method, fetch_site, origin),
                    expected,
                    "{method} {fetch_site:?} {origin:?}"
                );
            }
            for method in ["GET", "HEAD", "OPTIONS"] {
                assert!(allowed(method, fetch_site, origin), "{method} {fetch_site:?} {origin:?}");
            }
        }
    }
}
