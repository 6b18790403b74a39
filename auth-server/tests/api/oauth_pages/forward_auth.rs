//! The return to an application behind forward authentication.

use goptri::token::UnverifiedJws;
use serde_json::Value;
use test_support::SetCookie;

use super::browser::{Browser, hidden, is_sign_in, location};
use super::fixture::prepare;
use crate::support::{EMAIL, Engine, PASSWORD, TestServer};

const PAGE: &str = "/sign-in?return_to=http%3A%2F%2Flocalhost%3A8080%2Finbox%3Fpage%3D2";
const TARGET: &str = "http://localhost:8080/inbox?page=2";

async fn server() -> TestServer {
    let server = TestServer::start(Engine::Sqlite, &[("RETURN_ORIGINS", "http://localhost:8080")]).await;
    prepare(&server).await;
    server
}

/// The claims of the token in the session cookie.
fn claims(cookie: &str) -> Value {
    let token = goptri::cookie::decode(cookie.as_bytes()).unwrap();
    serde_json::from_str(&UnverifiedJws::parse(&token).unwrap().payload_json().unwrap()).unwrap()
}

#[actix_web::test]
async fn a_sign_in_returns_to_the_application_with_a_token_for_the_api_only() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(PAGE).await;
    assert!(is_sign_in(&page), "{} {}", page.status, page.text);
    assert_eq!(hidden(&page, "/sign-in", "return_to"), TARGET);
    assert!(page.header("content-security-policy").unwrap().contains("form-action 'self' https: http:;"));
    let wrong = browser.sign_in_as(&page, EMAIL, "wrong").await;
    assert_eq!(hidden(&wrong, "/sign-in", "return_to"), TARGET, "also after an error");
    let signed_in = browser.sign_in_as(&page, EMAIL, PASSWORD).await;
    let returned = browser.follow(&signed_in).await;
    assert_eq!(location(&returned), TARGET);
    let [session] = SetCookie::all_of(&returned).try_into().unwrap();
    assert_eq!(session.attributes, ["Path=/", "HttpOnly", "SameSite=Lax"], "until the browser is closed");
    let token = claims(&session.value);
    assert_eq!((&token["aud"], &token["email"]), (&"http://localhost:3000".into(), &EMAIL.into()));
    let account = server.request("GET", "/sessions").header("cookie", format!("session={}", session.value));
    assert_eq!(server.send(account).await.status, 401, "it opens no account");
    let again = browser.open(PAGE).await;
    assert_eq!(location(&again), TARGET, "without a page");
    let renewed = SetCookie::all_of(&again).remove(0);
    assert_eq!(claims(&renewed.value)["sid"], token["sid"]);
    assert_ne!(renewed.value, session.value);
}

#[actix_web::test]
async fn a_sign_in_returns_to_no_other_origin() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/sign-in").await;
    let csrf = hidden(&page, "/sign-in", "csrf");
    for target in [
        "https://evil.example/",
        "http://localhost:8081/",
        "https://localhost:8080/",
        "http://localhost:8080@evil.example/",
        "http://localhost:8080.evil.example/",
        "//localhost:8080/",
        "/inbox",
        "javascript:alert(1)",
        "",
    ] {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", target).finish();
        let page = browser.open(&format!("/sign-in?{query}")).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{target}");
        let fields =
            [("csrf", csrf.as_str()), ("return_to", target), ("email", EMAIL), ("password", PASSWORD)];
        let posted = browser.post("/sign-in", &fields).await;
        assert_eq!((posted.status, posted.header("location")), (400, None), "{target}");
        assert_eq!(browser.handle(), None);
    }
}

#[actix_web::test]
async fn signing_out_takes_the_cookie_of_the_application_away() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(PAGE).await;
    let signed_in = browser.sign_in_as(&page, EMAIL, PASSWORD).await;
    browser.follow(&signed_in).await;
    assert!(browser.jar.get("session").is_some());
    let choice = browser.open(&super::fixture::request(&[("prompt", Some("select_account"))])).await;
    let csrf = hidden(&choice, "/authorize/account", "csrf");
    assert_eq!(location(&browser.post("/sign-out", &[("csrf", &csrf)]).await), "/signed-out");
    assert_eq!((browser.jar.get("session"), browser.handle()), (None, None));
    assert!(is_sign_in(&browser.open(PAGE).await));
}
