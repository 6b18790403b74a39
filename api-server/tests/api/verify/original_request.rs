//! What a proxy says about the original request.

use super::{Headers, ask, ask_by_cookie, with};
use crate::support::{TestServer, sign};

/// A server whose tests connect from a trusted proxy.
async fn behind_a_proxy() -> TestServer {
    with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await
}

/// Only where the proxy asks for it, because nginx turns a 302 into 500.
#[actix_web::test]
async fn a_page_load_is_redirected_to_the_sign_in_page_if_the_proxy_asks_for_it() {
    let server = behind_a_proxy().await;
    let page_load = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example.com"),
        ("X-Forwarded-Uri", "/inbox?page=2"),
        ("Accept", "text/html"),
    ];
    let page = "http://localhost:4000/sign-in?return_to=https%3A%2F%2Fapp.example.com%2Finbox%3Fpage%3D2";
    let refused = ask(server.request("GET", "/verify"), &page_load).await;
    assert_eq!((refused.error(), refused.header("x-sign-in")), ((401, "missing_token"), Some(page)));
    let redirected = ask(server.request("GET", "/verify?redirect=1"), &page_load).await;
    assert_eq!((redirected.status, redirected.header("location")), (302, Some(page)));
    let form = page_load.map(|(name, value)| (name, if value == "GET" { "POST" } else { value }));
    let refused = ask(server.request("GET", "/verify?redirect=1"), &form).await;
    assert_eq!(refused.error(), (401, "missing_token"), "a redirect would lose the form");
}

/// CK-04: a page of another site can make the browser send any of these with the cookie.
#[actix_web::test]
async fn a_cookie_counts_only_for_reading_unless_an_own_page_sends_it() {
    let server = behind_a_proxy().await;
    let table: [(Headers<'_>, u16); 13] = [
        (&[("X-Original-Method", "GET")], 204),
        (&[("X-Forwarded-Method", "HEAD")], 204),
        (&[("X-Original-Method", "GET"), ("X-Forwarded-Method", "GET")], 204),
        (&[("X-Original-Method", "POST"), ("Sec-Fetch-Site", "same-origin")], 204),
        (&[("X-Original-Method", "POST"), ("Origin", "http://localhost:3000")], 204),
        (&[], 403),
        (&[("X-Original-Method", "POST")], 403),
        (&[("X-Original-Method", "OPTIONS")], 403),
        (&[("X-Original-Method", "GET"), ("X-Forwarded-Method", "POST")], 403),
        (&[("X-Original-Method", "POST"), ("Sec-Fetch-Site", "same-site")], 403),
        (&[("X-Original-Method", "POST"), ("Origin", "null")], 403),
        (&[("X-Original-Method", "GET"), ("Upgrade", "websocket"), ("Connection", "upgrade")], 403),
        (&[("X-Forwarded-Method", "GET"), ("Sec-WebSocket-Version", "13")], 403),
    ];
    for (headers, expected) in table {
        let decided = ask_by_cookie(&server, headers).await;
        assert_eq!(decided.status, expected, "{headers:?}");
        if expected == 403 {
            assert_eq!(decided.error(), (403, "cross_site_request"));
        }
    }
}

/// OP-07
#[actix_web::test]
async fn headers_about_the_original_request_count_only_from_a_trusted_proxy() {
    let about = [
        ("X-Original-Method", "GET"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example.com"),
        ("X-Forwarded-Uri", "/"),
        ("X-Forwarded-For", "127.0.0.1"),
    ];
    for (proxies, trusted) in [("127.0.0.1", true), ("127.0.0.0/8", true), ("", false), ("10.0.0.1", false)] {
        let server = with(&[("TRUSTED_PROXIES", proxies)]).await;
        let decided = ask_by_cookie(&server, &about).await;
        assert_eq!(decided.status, if trusted { 204 } else { 403 }, "{proxies:?}");
        let refused = ask(server.request("GET", "/verify"), &about).await;
        let returns = refused.header("x-sign-in").unwrap().contains("return_to");
        assert_eq!((refused.status, returns), (401, trusted), "{proxies:?}");
    }
}

/// A bearer token is not sent by itself, so neither method nor origin matter.
#[actix_web::test]
async fn a_bearer_token_counts_for_every_method() {
    let server = behind_a_proxy().await;
    let token = sign(&server.claims());
    for method in ["GET", "POST", "DELETE"] {
        let headers = [("X-Original-Method", method), ("Sec-Fetch-Site", "cross-site")];
        let decided = ask(server.request("GET", "/verify").bearer_auth(&token), &headers).await;
        assert_eq!(decided.status, 204, "{method}");
    }
}
