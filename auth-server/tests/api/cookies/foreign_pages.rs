//! Requests that a foreign page makes the browser send.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use test_support::{CookieJar, SetCookie};

use super::{is_live, new_browser, renew};
use crate::support::{EMAIL, Engine, PASSWORD, TestServer};

/// Headers of requests that must not use cookies.
const FOREIGN: &[&[(&str, &str)]] = &[
    &[],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:5000")],
    &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "http://localhost:4000/")],
    &[("origin", "http://localhost:4000/login")],
    &[("origin", "http://localhost:4001")],
    &[("origin", "https://localhost:4000")],
    &[("origin", "http://localhost:4000"), ("origin", "http://localhost:4000")],
    // `Host` decides nothing: a proxy may set it, and a page of the host that it names is no page of the issuer.
    &[("host", "evil.example"), ("origin", "http://evil.example")],
    &[("host", "evil.example"), ("origin", "https://evil.example")],
    &[("x-forwarded-host", "evil.example"), ("origin", "https://evil.example")],
    &[("referer", "http://localhost:4000/")],
];

/// Headers of requests that may.
const OWN: &[&[(&str, &str)]] = &[
    &[("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "none")],
    &[("sec-fetch-site", "same-origin"), ("origin", "null")],
    &[("origin", "http://localhost:4000")],
    &[("origin", "http://localhost:3000")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3000")],
    &[("origin", "https://app.example.com")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")],
    &[("host", "evil.example"), ("origin", "http://localhost:4000")],
];

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

async fn start() -> TestServer {
    TestServer::start(Engine::Sqlite, &[("CORS_ORIGINS", "https://app.example.com")]).await
}

fn unsafe_requests(server: &TestServer, jar: &CookieJar) -> Vec<RequestBuilder> {
    let login = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
    let passwords = json!({ "current_password": PASSWORD, "new_password": "another long horse battery" });
    let send = |method, path| jar.foreign_request(server, method, path);
    vec![
        server.request(Method::POST, "/login").json(&login),
        send(Method::POST, "/login").json(&login),
        send(Method::POST, "/token").json(&json!({ "cookie": true })),
        send(Method::DELETE, "/logout"),
        send(Method::DELETE, "/logout?everywhere=true"),
        send(Method::DELETE, "/token"),
        send(Method::DELETE, "/sessions/01900000-0000-7000-8000-000000000001"),
        send(Method::POST, "/password").json(&passwords),
    ]
}

/// CK-04, CK-13
#[actix_web::test]
async fn a_foreign_page_can_neither_use_nor_set_cookies() {
    let server = start().await;
    let mut jar = new_browser(&server).await;
    let refresh = jar.get("refresh");
    for headers in FOREIGN {
        for request in unsafe_requests(&server, &jar) {
            let answer = server.send(with(request, headers)).await;
            assert_eq!(answer.error(), (403, "cross_site_request"), "{headers:?}");
            assert_eq!(SetCookie::all_of(&answer), [], "{headers:?}");
            assert_eq!((answer.header("clear-site-data"), answer.header("www-authenticate")), (None, None));
        }
    }
    assert!(is_live(&server, &jar).await, "nothing has ended");
    assert_eq!(jar.get("refresh"), refresh);
    assert_eq!(renew(&server, &mut jar).await.status, 200, "and nothing was spent");
}

/// CK-04
#[actix_web::test]
async fn the_own_pages_and_those_of_listed_origins_can() {
    let server = start().await;
    assert_eq!(server.register().await.status, 201);
    for headers in OWN {
        let login = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let answer = server.send(with(server.request(Method::POST, "/login").json(&login), headers)).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        let mut jar = CookieJar::default();
        jar.store(&answer);
        let renewal = jar.foreign_request(&server, Method::POST, "/token").json(&json!({ "cookie": true }));
        let answer = server.send(with(renewal, headers)).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        jar.store(&answer);
        let sign_out = jar.foreign_request(&server, Method::DELETE, "/logout");
        assert_eq!(server.send(with(sign_out, headers)).await.status, 204, "{headers:?}");
    }
}

/// Links from other pages lead to pages that know their user. What a page cannot read, its browser does not show it.
#[actix_web::test]
async fn safe_requests_may_use_cookies_from_everywhere() {
    let server = start().await;
    let jar = new_browser(&server).await;
    for headers in FOREIGN {
        let request = jar.foreign_request(&server, Method::GET, "/currentuser");
        let answer = server.send(with(request, headers)).await;
        assert_eq!(answer.body["currentUser"]["email"], EMAIL, "{headers:?}");
        // CK-05
        assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "Sec-Fetch-Site, Origin, Cookie"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    }
}

/// A bearer token is no cookie: the page must have it to send it.
#[actix_web::test]
async fn requests_without_cookies_need_no_sender() {
    let server = start().await;
    let (access, refresh) = server.signed_in().await;
    for headers in FOREIGN {
        let login =
            server.request(Method::POST, "/login").json(&json!({ "email": EMAIL, "password": PASSWORD }));
        assert_eq!(server.send(with(login, headers)).await.status, 200, "{headers:?}");
        let path = "/sessions/01900000-0000-7000-8000-000000000001";
        let request = server.request(Method::DELETE, path).bearer_auth(&access);
        assert_eq!(server.send(with(request, headers)).await.status, 204, "{headers:?}");
    }
    assert_eq!(server.refresh(&refresh).await.status, 200);
}

/// CK-07, CK-13: a page can send these types from a form, without asking first.
#[actix_web::test]
async fn only_json_sets_cookies() {
    let server = start().await;
    assert_eq!(server.register().await.status, 201);
    let login = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true }).to_string();
    let form = "application/x-www-form-urlencoded";
    for content_type in ["text/plain", form, "multipart/form-data; boundary=x", "application/jsonp", ""] {
        let request = server.request(Method::POST, "/login").header("sec-fetch-site", "same-origin");
        let answer = server.send(request.header("content-type", content_type).body(login.clone())).await;
        assert_eq!((answer.error(), SetCookie::all_of(&answer)), ((415, "unsupported_media_type"), vec![]));
    }
}
