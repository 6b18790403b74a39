//! Requests that a page of another site makes a browser send, with the cookie of the user.

use reqwest::Method;

use super::site::{COOKIE, Site};

const CROSS_SITE_REQUEST: (&str, &str) = ("Sec-Fetch-Site", "cross-site");

/// CK-04
#[tokio::test]
async fn a_page_of_another_site_can_only_link_to_the_application() {
    let site = Site::start().await.ready().await;
    let cookie = format!("{COOKIE}={}", site.cookie().await);
    let evil = ("Origin", "https://evil.example");
    for proxy in &site.proxies {
        let with = |method, headers: &[(&str, &str)]| {
            proxy.with(method, "/transfer", headers).header("Cookie", &cookie)
        };
        // A user who follows a link.
        assert_eq!(site.admitted(with(Method::GET, &[CROSS_SITE_REQUEST])).await.method, "GET");
        let post: [&[(&str, &str)]; 8] = [
            &[CROSS_SITE_REQUEST, evil],
            &[CROSS_SITE_REQUEST, ("Origin", "null")],
            &[("Sec-Fetch-Site", "same-site"), ("Origin", "https://other.example.com")],
            &[evil],
            &[],
            &[CROSS_SITE_REQUEST, evil, ("X-Original-Method", "GET")],
            &[CROSS_SITE_REQUEST, evil, ("X-Forwarded-Method", "GET")],
            &[CROSS_SITE_REQUEST, evil, ("X-Original-Method", "GET"), ("X-Forwarded-Method", "GET")],
        ];
        for headers in post {
            site.refused(with(Method::POST, headers).body("amount=1"), 403).await;
            site.refused(with(Method::DELETE, headers), 403).await;
        }
        let own = with(Method::POST, &[("Sec-Fetch-Site", "same-origin")]).body("amount=1");
        assert_eq!(site.admitted(own).await.body, b"amount=1");
    }
}

/// CK-04
#[tokio::test]
async fn a_page_of_another_site_cannot_open_a_web_socket() {
    let site = Site::start().await.ready().await;
    let ((access, _), cookie) = (site.auth.sign_in().await, site.cookie().await);
    let cookie = format!("{COOKIE}={cookie}");
    let handshake = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    for proxy in &site.proxies {
        let open = || proxy.with(Method::GET, "/socket", &handshake);
        // Several, because a proxy keeps its connections to api-server.
        for _ in 0..3 {
            let evil = open().header("Cookie", &cookie).header("Origin", "https://evil.example");
            site.refused(evil, 403).await;
            let own = open().header("Cookie", &cookie).header("Sec-Fetch-Site", "same-origin");
            assert_eq!(site.admitted(own).await.values("upgrade"), ["websocket"], "{}", proxy.name);
        }
        assert_eq!(site.admitted(open().bearer_auth(&access)).await.values("upgrade"), ["websocket"]);
    }
}

/// Otherwise one admitted request could open a connection of HTTP/2 for others that nothing checks.
#[tokio::test]
async fn a_client_cannot_upgrade_to_http_2_behind_the_proxy() {
    let site = Site::start().await.ready().await;
    let (access, _) = site.auth.sign_in().await;
    let headers = [
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ];
    for proxy in &site.proxies {
        let got = site.admitted(proxy.with(Method::GET, "/", &headers).bearer_auth(&access)).await;
        assert!(got.values("upgrade").is_empty(), "{} {got:?}", proxy.name);
    }
}
