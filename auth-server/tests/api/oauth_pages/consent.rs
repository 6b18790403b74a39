//! When users are asked for consent, and what happens then.

use auth_domain::Client;
use goptri::Scope;

use super::browser::{Browser, is_account_choice, is_consent, is_sign_in, location, response};
use super::fixture::{
    CALLBACK, ISSUER, LOOPBACK, OTHER_EMAIL, STATE, client, prepare, request, request_of, server,
};
use crate::support::{EMAIL, PASSWORD, on_both_engines};

on_both_engines! {
    /// AS-05, AS-18, AS-19
    async fn a_user_signs_in_and_allows_it_and_the_client_gets_a_code(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.sign_in(&request(&[])).await;
        assert!(is_consent(&page), "{} {}", page.status, page.text);
        for shown in ["Photo &#38; Printer", "See your photos", "print.example", EMAIL] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        let sent = response(&browser.allow(&page).await, CALLBACK);
        assert_eq!(sent["state"], STATE);
        assert_eq!(sent["iss"], ISSUER);
        assert_eq!(sent["code"].len(), 64);
        assert_eq!(sent.len(), 4, "and the client's own parameter: {sent:?}");
    }

    async fn consent_is_remembered_for_the_same_and_a_narrower_scope(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        let both = "photos:read photos:write";
        let page = browser.sign_in(&request(&[("scope", Some(both))])).await;
        assert!(page.text.contains("Change &#60;your&#62; photos"), "{}", page.text);
        browser.allow(&page).await;
        for narrower in [both, "photos:write photos:read", "photos:read"] {
            let answer = browser.open(&request(&[("scope", Some(narrower))])).await;
            assert!(response(&answer, CALLBACK).contains_key("code"), "{narrower}");
        }
        let wider = browser.open(&request(&[("scope", Some("photos:read offline_access"))])).await;
        assert!(is_consent(&wider), "OI-09");
        browser.allow(&wider).await;
        let all = browser.open(&request(&[("scope", Some("photos:write offline_access"))])).await;
        assert!(response(&all, CALLBACK).contains_key("code"), "consents add up");
        let again = browser.open(&request(&[("prompt", Some("consent"))])).await;
        assert!(is_consent(&again));
    }
}

#[actix_web::test]
async fn a_user_who_says_no_returns_to_the_client_and_is_asked_again_next_time() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    let sent = response(&browser.submit(&page, "/consent", &[("decision", "cancel")]).await, CALLBACK);
    assert_eq!((sent["error"].as_str(), sent["state"].as_str()), ("access_denied", STATE));
    assert_eq!(sent["iss"], ISSUER);
    assert!(is_consent(&browser.open(&request(&[])).await));
}

/// AS-05
#[actix_web::test]
async fn a_user_allows_only_what_the_page_has_shown() {
    let server = server().await;
    let narrow = Client { scope: Scope::parse("photos:read").unwrap(), ..client() };
    server.store.change_client(&narrow).await.unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[("scope", None)])).await;
    assert!(is_consent(&page) && !page.text.contains("Change &#60;your&#62; photos"), "{}", page.text);
    server.store.change_client(&client()).await.unwrap();
    let again = browser.allow(&page).await;
    assert!(is_consent(&again) && again.text.contains("Change &#60;your&#62; photos"), "{}", again.text);
    assert!(response(&browser.allow(&again).await, CALLBACK).contains_key("code"));
}

#[actix_web::test]
async fn consent_is_remembered_for_one_user_only() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    browser.allow(&page).await;
    let mut other = Browser::new(&server);
    let page = other.open(&request(&[])).await;
    let signed_in = other.sign_in_as(&page, OTHER_EMAIL, PASSWORD).await;
    assert!(is_consent(&other.follow(&signed_in).await));
}

#[actix_web::test]
async fn the_operators_own_client_asks_for_no_consent() {
    let server = server().await;
    let answer = Browser::new(&server).sign_in(&request_of("own", &[])).await;
    assert!(response(&answer, CALLBACK).contains_key("code"));
}

/// RFC 8252 §8.6
#[actix_web::test]
async fn a_native_app_without_a_secret_asks_each_time() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let mut page = browser.sign_in(&request_of("native", &[])).await;
    for _ in 0..2 {
        let sent = response(&browser.allow(&page).await, LOOPBACK);
        assert!(sent.contains_key("code"));
        page = browser.open(&request_of("native", &[])).await;
    }
    let app = [("redirect_uri", Some("com.example.app:/done"))];
    let page = browser.open(&request_of("native", &app)).await;
    assert!(page.header("content-security-policy").unwrap().contains(" com.example.app:"));
    assert!(location(&browser.allow(&page).await).starts_with("com.example.app:/done?code="));
}

#[actix_web::test]
async fn not_you_signs_out_and_starts_the_request_again() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    let old = browser.handle().unwrap();
    let signed_out = browser.submit(&page, "/sign-out", &[]).await;
    assert_eq!(browser.handle(), None);
    let page = browser.follow(&signed_out).await;
    assert!(is_sign_in(&page), "{}", page.text);
    let signed_in = browser.sign_in_as(&page, OTHER_EMAIL, PASSWORD).await;
    let page = browser.follow(&signed_in).await;
    assert!(is_consent(&page) && page.text.contains(OTHER_EMAIL), "{}", page.text);
    let mut thief = Browser::new(&server);
    let stolen = thief.jar.foreign_request(&server, reqwest::Method::GET, &request(&[]));
    let page = thief.send(stolen.header("cookie", format!("signin={old}"))).await;
    assert!(is_sign_in(&page), "the old handle is of no use");
}

#[actix_web::test]
async fn a_user_may_choose_another_account() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    browser.sign_in(&request(&[])).await;
    let select = request(&[("prompt", Some("select_account"))]);
    let page = browser.open(&select).await;
    assert!(is_account_choice(&page) && page.text.contains(EMAIL), "{}", page.text);
    let chosen = browser.submit(&page, "/authorize/account", &[("choice", "continue")]).await;
    assert!(is_consent(&browser.follow(&chosen).await));
    let other = browser.submit(&page, "/authorize/account", &[("choice", "other")]).await;
    let page = browser.follow(&other).await;
    assert!(is_sign_in(&page), "{}", page.text);
    let signed_in = browser.sign_in_as(&page, OTHER_EMAIL, PASSWORD).await;
    let page = browser.follow(&signed_in).await;
    assert!(is_consent(&page) && page.text.contains(OTHER_EMAIL), "{}", page.text);
}

#[actix_web::test]
async fn a_second_click_on_allow_gives_another_code() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    let first = response(&browser.allow(&page).await, CALLBACK);
    let second = response(&browser.allow(&page).await, CALLBACK);
    assert_ne!(first["code"], second["code"]);
}

#[actix_web::test]
async fn the_time_on_the_pages_is_limited() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    server.later(chrono::TimeDelta::minutes(61));
    let late = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
    assert_eq!((late.status, late.header("location")), (400, None));
}
