//! The page on which a user signs in.

use url::Url;

use super::{Demand, OriginalRequest};

/// Longer URLs are not passed on: a proxy has a buffer of 16 KiB for all headers.
const MAX_RETURN_BYTES: usize = 2048;

/// The sign-in page of the issuer.
#[derive(Debug, Clone)]
pub struct SignInPage(Url);

impl SignInPage {
    /// The page of this issuer. `None`: the issuer is no URL that has a path.
    pub fn of(issuer: &str) -> Option<Self> {
        Url::parse(&format!("{}/sign-in", issuer.trim_end_matches('/'))).ok().map(Self)
    }

    /// Its complete URL, with that of the original request as `return_to` if the user can open that again.
    pub fn url_for(&self, original: &OriginalRequest) -> Url {
        let mut url = self.0.clone();
        let target = original.url().filter(|_| original.only_reads());
        if let Some(target) = target.filter(|target| target.as_str().len() <= MAX_RETURN_BYTES) {
            url.query_pairs_mut().append_pair("return_to", target.as_str());
        }
        url
    }

    /// Whether a browser whose request gets 401 is sent to this page instead. The proxy must ask for that, because nginx
    /// turns a 302 into 500; and a redirect would lose a form that was sent.
    pub fn replaces_401(demand: &Demand, original: &OriginalRequest) -> bool {
        demand.redirect() && original.only_reads()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderMap;

    const ISSUER: &str = "https://example.com/auth";

    /// A request that a proxy asks about.
    fn original(method: &str, path: &str) -> OriginalRequest {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-forwarded-method", method),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "app.example.com"),
            ("x-forwarded-uri", path),
        ] {
            headers.insert(name.parse().unwrap(), value.parse().unwrap());
        }
        OriginalRequest::described_by(&headers)
    }

    #[test]
    fn the_page_returns_to_what_the_user_can_open_again() {
        let page = SignInPage::of(ISSUER).unwrap();
        let url = |original| page.url_for(&original).to_string();
        assert_eq!(
            url(original("GET", "/a?b=c&d=%20#e")),
            "https://example.com/auth/sign-in?return_to=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc%26d%3D%2520%23e"
        );
        let long = format!("/{}", "a".repeat(MAX_RETURN_BYTES));
        for no_target in [original("POST", "/a"), original("GET", &long), OriginalRequest::default()] {
            assert_eq!(url(no_target), "https://example.com/auth/sign-in");
        }
    }

    #[test]
    fn only_a_page_load_is_redirected_and_only_if_the_proxy_asks_for_it() {
        for (query, method, expected) in [
            ("redirect=1", "GET", true),
            ("redirect=1&scope=a", "HEAD", true),
            ("redirect=1", "POST", false),
            ("redirect=1", "", false),
            ("", "GET", false),
            ("scope=a", "GET", false),
        ] {
            let (demand, original) = (Demand::parse(query).unwrap(), original(method, "/"));
            assert_eq!(SignInPage::replaces_401(&demand, &original), expected, "{query} {method}");
        }
    }
}
