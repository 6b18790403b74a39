//! Signing in at the pages.

use reqwest::Method;

use super::browser::{Browser, hidden, is_consent, is_sign_in, location, response, value_of};
use super::fixture::{CALLBACK, OTHER_EMAIL, prepare, request, request_of, server};
use crate::support::{EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

/// PW-10
#[actix_web::test]
async fn wrong_credentials_get_the_same_page_with_what_the_user_typed() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&request(&[])).await;
    let mut texts = Vec::new();
    for email in [EMAIL, "eve@example.com"] {
        let answer = browser.sign_in_as(&page, email, "wrong \"password\"").await;
        assert_eq!(answer.status, 401);
        assert_eq!(value_of(&answer, "email"), email);
        assert!(!answer.text.contains("wrong &"), "the password is not repeated");
        assert!(answer.text.contains("<title>Error:"), "{}", answer.text);
        assert_eq!(browser.handle(), None);
        texts.push(answer.text.replace(email, ""));
    }
    assert_eq!(texts[0], texts[1]);
    let answer = browser.sign_in_as(&page, &format!(" {} ", EMAIL.to_uppercase()), PASSWORD).await;
    assert!(is_consent(&browser.follow(&answer).await), "the same form still works");
}

/// PW-11
#[actix_web::test]
async fn after_many_failures_the_page_says_when_to_try_again() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/sign-in").await;
    let mut answer = browser.sign_in_as(&page, EMAIL, "wrong").await;
    for _ in 0..20 {
        if answer.status != 401 {
            break;
        }
        answer = browser.sign_in_as(&page, EMAIL, "wrong").await;
    }
    assert_eq!(answer.status, 429);
    let seconds = answer.header("retry-after").unwrap();
    assert!(seconds.parse::<u32>().unwrap() > 0);
    assert_eq!(browser.sign_in_as(&page, EMAIL, PASSWORD).await.status, 429, "also with the right password");
    assert_eq!(server.login().await.status, 429, "both ways to sign in share one limit");
}

#[actix_web::test]
async fn the_login_hint_is_filled_in_and_escaped() {
    let server = server().await;
    let hint = "\"><script>alert(1)</script>";
    let page = Browser::new(&server).open(&request(&[("login_hint", Some(EMAIL))])).await;
    assert_eq!(value_of(&page, "email"), EMAIL);
    let page = Browser::new(&server).open(&request(&[("login_hint", Some(hint))])).await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
}

on_both_engines! {
    /// CK-09, OI-05
    async fn signing_in_again_keeps_the_sign_in_under_a_new_handle(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        browser.sign_in(&request_of("own", &[])).await;
        let first = browser.handle().unwrap();
        let user = server.id_of_ann().await;
        let sessions = server.store.list_sessions(user, None, 10).await.unwrap();
        let again = browser.sign_in(&request_of("own", &[("prompt", Some("login"))])).await;
        assert!(response(&again, CALLBACK).contains_key("code"), "no loop");
        let second = browser.handle().unwrap();
        assert_ne!(first, second);
        let after = server.store.list_sessions(user, None, 10).await.unwrap();
        let ids = |sessions: &[auth_domain::ListedSession]| sessions.iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(&after), ids(&sessions), "the row stays");
        let old = server.request(Method::GET, &request_of("own", &[]));
        let old = server.send(old.header("cookie", format!("signin={first}"))).await;
        assert!(is_sign_in(&old), "the old handle is of no use");
    }

    /// The second click arrives with the handle that the first one has replaced.
    async fn a_form_that_is_sent_twice_leaves_one_sign_in_with_its_applications(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        browser.sign_in(&request_of("own", &[])).await;
        let user = server.id_of_ann().await;
        let before = server.store.list_sessions(user, None, 10).await.unwrap();
        let page = browser.open(&request_of("own", &[("prompt", Some("login"))])).await;
        let mut second_click = Browser::new(&server);
        second_click.jar = browser.jar.clone();
        browser.sign_in_as(&page, EMAIL, PASSWORD).await;
        second_click.sign_in_as(&page, EMAIL, PASSWORD).await;
        let after = server.store.list_sessions(user, None, 10).await.unwrap();
        assert_eq!((before.len(), after.len()), (1, 1), "{after:?}");
        assert_eq!(before[0].id, after[0].id);
        let next = second_click.open(&request_of("own", &[])).await;
        assert!(response(&next, CALLBACK).contains_key("code"), "the browser has the last handle");
    }

    async fn another_users_sign_in_ends_the_old_one(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        browser.sign_in(&request_of("own", &[])).await;
        let old = browser.handle().unwrap();
        let page = browser.open("/sign-in").await;
        assert_eq!(location(&browser.sign_in_as(&page, OTHER_EMAIL, PASSWORD).await), "/account");
        assert_ne!(browser.handle().unwrap(), old);
        let user = server.id_of_ann().await;
        assert_eq!(server.store.list_sessions(user, None, 10).await.unwrap(), []);
    }

    async fn a_sign_in_ends_when_its_session_does(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        browser.sign_in(&request_of("own", &[])).await;
        let user = server.id_of_ann().await;
        server.store.disable_user(user).await.unwrap();
        let page = browser.open(&request_of("own", &[])).await;
        assert!(is_sign_in(&page), "{} {}", page.status, page.text);
        let silent = browser.open(&request_of("own", &[("prompt", Some("none"))])).await;
        assert_eq!(response(&silent, CALLBACK)["error"], "login_required");
    }
}

#[actix_web::test]
async fn a_new_user_registers_and_is_signed_in() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&request(&[])).await;
    let sealed = hidden(&page, "/sign-in", "request");
    let page = browser.open(&format!("/register?request={sealed}")).await;
    let register = |email| [("email", email), ("password", PASSWORD)];
    for (fields, status) in [
        (register("no address"), 422),
        (register(EMAIL), 409),
        ([("email", "new@example.com"), ("password", "short")], 422),
    ] {
        let answer = browser.submit(&page, "/register", &fields).await;
        assert_eq!(answer.status, status, "{fields:?}");
        assert_eq!(value_of(&answer, "email"), fields[0].1);
    }
    let registered = browser.submit(&page, "/register", &register("new@example.com")).await;
    let page = browser.follow(&registered).await;
    assert!(is_consent(&page) && page.text.contains("new@example.com"), "{}", page.text);
}

#[actix_web::test]
async fn no_user_registers_while_registration_is_closed() {
    let server = TestServer::start(Engine::Sqlite, &[("REGISTRATION", "closed")]).await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/sign-in").await;
    assert!(!page.text.contains("/register"), "{}", page.text);
    assert_eq!(browser.open("/register").await.status, 403);
    let csrf = hidden(&page, "/sign-in", "csrf");
    let fields = [("csrf", csrf.as_str()), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(browser.post("/register", &fields).await.status, 403);
}

#[actix_web::test]
async fn signing_out_on_a_page_whose_request_has_expired_ends_the_sign_in() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let consent = browser.sign_in(&request(&[])).await;
    let csrf = hidden(&consent, "/sign-out", "csrf");
    let signed_out = browser.post("/sign-out", &[("csrf", &csrf), ("request", "expired")]).await;
    assert_eq!(location(&signed_out), "/signed-out");
    assert_eq!(browser.handle(), None);
}

#[actix_web::test]
async fn signing_out_says_so_and_ends_the_sign_in() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let consent = browser.sign_in(&request(&[])).await;
    let csrf = hidden(&consent, "/sign-out", "csrf");
    let signed_out = browser.post("/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(location(&signed_out), "/signed-out");
    assert_eq!(browser.handle(), None);
    assert_eq!(browser.follow(&signed_out).await.status, 200);
    assert!(is_sign_in(&browser.open(&request(&[])).await));
}
