//! What protects the pages in the browser.

use reqwest::Method;
use test_support::{Answer, SetCookie};

use super::browser::Browser;
use super::fixture::{request, request_of, server};
use crate::support::{EMAIL, Engine, TestServer};

/// AS-08, CK-12
fn assert_protected(page: &Answer) {
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-store"),
        ("content-type", "text/html; charset=utf-8"),
        ("content-language", "en"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
}

/// AS-07, AS-08
#[actix_web::test]
async fn no_page_can_be_framed_cached_or_read_by_another_origin() {
    let server = TestServer::start(Engine::Sqlite, &[("CORS_ORIGINS", "https://app.example.com")]).await;
    super::fixture::prepare(&server).await;
    let mut browser = Browser::new(&server);
    let sign_in = browser.open(&request(&[])).await;
    let policy = sign_in.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    let wrong = browser.sign_in_as(&sign_in, EMAIL, "wrong").await;
    let consent = browser.sign_in(&request(&[])).await;
    let choice = browser.open(&request(&[("prompt", Some("select_account"))])).await;
    let form_post = browser.sign_in_for_form_post().await;
    let pages = [
        sign_in,
        wrong,
        consent,
        choice,
        form_post,
        browser.open("/sign-in").await,
        browser.open("/register").await,
        browser.open("/signed-out").await,
        browser.open("/authorize").await,
    ];
    for page in &pages {
        assert_protected(page);
    }
    for path in [request(&[]), "/sign-in".to_owned(), "/register".to_owned(), "/signed-out".to_owned()] {
        for method in [Method::GET, Method::OPTIONS] {
            let asked = server.request(method.clone(), &path).header("origin", "https://app.example.com");
            let answer = server.send(asked.header("access-control-request-method", "GET")).await;
            let cors = answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(cors, None, "{method} {path}");
        }
    }
}

impl Browser<'_> {
    /// The page that posts the response to the operator's own client.
    async fn sign_in_for_form_post(&mut self) -> Answer {
        self.open(&request_of("own", &[("response_mode", Some("form_post"))])).await
    }
}

/// CK-01
#[actix_web::test]
async fn the_cookies_are_as_narrow_as_possible() {
    let issuer = ("ISSUER", "https://login.example.com");
    for (variables, prefix) in [(vec![], ""), (vec![issuer], "__Host-")] {
        let server = TestServer::start(Engine::Sqlite, &variables).await;
        super::fixture::prepare(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&request(&[])).await;
        let signed_in = browser.sign_in_as(&page, EMAIL, crate::support::PASSWORD).await;
        let (of_page, of_sign_in) = (SetCookie::all_of(&page), SetCookie::all_of(&signed_in));
        assert_eq!(of_page[0].name, format!("{prefix}browser"));
        assert_eq!(of_sign_in[0].name, format!("{prefix}signin"));
        let mut expected = vec!["Path=/", "HttpOnly", "SameSite=Lax"];
        expected.extend((!prefix.is_empty()).then_some("Secure"));
        for cookie in of_page.iter().chain(&of_sign_in) {
            assert_eq!(
                cookie.attributes, expected,
                "{}: no Domain, and only until the browser is closed",
                cookie.name
            );
        }
        assert_eq!((of_page.len(), of_sign_in.len()), (1, 1));
    }
}

#[actix_web::test]
async fn the_script_is_cached_for_ever_under_the_hash_of_its_content() {
    let server = server().await;
    let page = Browser::new(&server).open("/sign-in").await;
    let path = page.text.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = server.get(path, None).await;
    assert_eq!(script.status, 200, "{path}");
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(server.get("/assets/pages-other.js", None).await.status, 404);
}

#[actix_web::test]
async fn pages_speak_the_language_of_the_client_or_of_the_browser() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&request(&[("ui_locales", Some("xx de"))])).await;
    assert_eq!(page.header("content-language"), Some("de"));
    let wrong = browser.sign_in_as(&page, EMAIL, "wrong").await;
    assert_eq!(wrong.header("content-language"), Some("de"), "also after an error");
    let german = server.request(Method::GET, "/sign-in").header("accept-language", "de-AT, en;q=0.5");
    assert_eq!(server.send(german).await.header("content-language"), Some("de"));
}
