//! Which requests pass, and which part of a credential the application receives.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use super::site::{COOKIE, ISSUER, Site};
use crate::programs::TIMEOUT;

#[tokio::test]
async fn requests_pass_with_a_token_and_not_without_one() {
    let site = Site::start().await.ready().await;
    let ((access, _), cookie) = (site.auth.sign_in().await, site.cookie().await);
    let cookie = format!("{COOKIE}={cookie}");
    for proxy in &site.proxies {
        let anonymous = site.refused(proxy.request(Method::GET, "/inbox?page=2&redirect=1"), 401).await;
        let header = |name: &str| anonymous.headers()[name].to_str().unwrap();
        assert_eq!(
            header("x-sign-in"),
            format!(
                "{ISSUER}/sign-in?return_to=https%3A%2F%2Fapp.example.com%2Finbox%3Fpage%3D2%26redirect%3D1"
            )
        );
        assert_eq!(header("www-authenticate"), "Bearer", "{}", proxy.name);
        assert!(header("cache-control").contains("no-store"));
        let body: serde_json::Value = anonymous.json().await.unwrap();
        assert!(body["error"].is_string(), "{}", proxy.name);
        site.refused(proxy.request(Method::GET, "/").bearer_auth("forged"), 401).await;

        let upload = proxy.request(Method::POST, "/upload?x=%20y").bearer_auth(&access).body("a body");
        let upload = site.admitted(upload).await;
        assert_eq!(
            (&*upload.method, &*upload.path, &*upload.body),
            ("POST", "/upload?x=%20y", &b"a body"[..])
        );
        let page = proxy.with(Method::GET, "/", &[("Cookie", &cookie), ("Sec-Fetch-Site", "none")]);
        assert_eq!(site.admitted(page).await.method, "GET");
    }
}

/// Each gets 401 from `/verify`. nginx itself answers 400 to two `Authorization` headers.
#[tokio::test]
async fn two_credentials_are_refused() {
    let site = Site::start().await.ready().await;
    let ((access, _), cookie) = (site.auth.sign_in().await, site.cookie().await);
    let bearer = format!("Bearer {access}");
    let cookies = format!("{COOKIE}={cookie}; {COOKIE}={cookie}");
    for proxy in &site.proxies {
        let twice = proxy.with(Method::GET, "/", &[("Authorization", &bearer), ("Authorization", &bearer)]);
        site.refused(twice, if proxy.name == "nginx" { 400 } else { 401 }).await;
        let cookies = [("Cookie", &*cookies), ("Sec-Fetch-Site", "none")];
        site.refused(proxy.with(Method::GET, "/", &cookies), 401).await;
    }
}

#[tokio::test]
async fn a_required_scope_is_enforced() {
    for (query, granted) in
        [("scope=photos:read+photos:write", true), ("scope=photos:read&scope=users:admin", false)]
    {
        let site = Site::with(query, &[]).await.ready().await;
        let (access, _) = site.auth.sign_in().await;
        for proxy in &site.proxies {
            let request = proxy.request(Method::GET, "/").bearer_auth(&access);
            if granted {
                site.admitted(request).await;
            } else {
                site.refused(request, 403).await;
            }
            site.refused(proxy.request(Method::GET, "/"), 401).await;
        }
    }
}

#[tokio::test]
async fn the_application_gets_other_cookies_and_no_credential() {
    let site = Site::start().await.ready().await;
    let ((access, _), cookie) = (site.auth.sign_in().await, site.cookie().await);
    for proxy in &site.proxies {
        for (before, after, left) in [
            ("", "", ""),
            ("theme=dark; ", "", "theme=dark"),
            ("", "; theme=dark", "theme=dark"),
            ("a=b; ", "; c=d; e=f", "a=b; c=d; e=f"),
            ("a=b; x__Host-session=y; ", "", "a=b; x__Host-session=y"),
            ("a=b; __Secure-refresh=x; ", "; c=d", "a=b; c=d"),
            ("a=b; __Host-session=x; ", "; c=d", "a=b; c=d"),
        ] {
            let cookies = format!("{before}{COOKIE}={cookie}{after}");
            let request = proxy.with(Method::GET, "/", &[("Cookie", &cookies), ("Sec-Fetch-Site", "none")]);
            let got = site.admitted(request).await;
            let trimmed: Vec<_> =
                got.values("cookie").iter().map(|value| value.trim_end_matches([';', ' '])).collect();
            assert_eq!(trimmed.concat(), left, "{} {cookies}", proxy.name);
        }
        // More than a browser has: no cookie at all is better than one of Goptri's.
        let many = "__Host-session=x; __Host-session=y; __Secure-session=z; __Secure-refresh=x; a=b";
        let got = site.admitted(proxy.with(Method::GET, "/", &[("Cookie", many)]).bearer_auth(&access)).await;
        assert!(!got.values("cookie").concat().contains("__"), "{} {got:?}", proxy.name);
        assert!(got.values("authorization").is_empty(), "{}", proxy.name);
    }
}

#[tokio::test]
async fn requests_fail_once_the_user_has_signed_out() {
    let site = Site::start().await.ready().await;
    for proxy in &site.proxies {
        let ((access, refresh), cookie) = (site.auth.sign_in().await, site.cookie().await);
        let cookie = format!("{COOKIE}={cookie}");
        let by_bearer = || proxy.request(Method::GET, "/").bearer_auth(&access);
        let by_cookie = || proxy.with(Method::GET, "/", &[("Cookie", &cookie), ("Sec-Fetch-Site", "none")]);
        site.admitted(by_bearer()).await;
        site.admitted(by_cookie()).await;
        let signed_out =
            site.auth.delete("/logout?everywhere=true", &json!({ "refresh_token": refresh })).await;
        assert_eq!(signed_out.status(), 204);
        let started = Instant::now();
        for request in [&by_bearer as &dyn Fn() -> _, &by_cookie] {
            while request().send().await.unwrap().status() != 401 {
                assert!(started.elapsed() < TIMEOUT, "{}", proxy.name);
            }
        }
        site.application.take();
        site.refused(by_bearer(), 401).await;
        site.refused(by_cookie(), 401).await;
    }
}
