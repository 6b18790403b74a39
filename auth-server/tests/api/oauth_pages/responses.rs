//! How responses reach clients.

use auth_domain::{CODE_LIFETIME, CodeChallenge, CodeKey, SignInKey};
use goptri_settings::Plain;
use reqwest::Method;
use test_support::hidden_fields;

use super::browser::{Browser, location, parameters, response};
use super::fixture::{CALLBACK, CHALLENGE, ISSUER, STATE, prepare, request, request_of, server};
use crate::support::on_both_engines;

#[actix_web::test]
async fn a_code_is_in_the_query_the_fragment_or_a_form() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let in_query = response(&browser.sign_in(&request_of("own", &[])).await, CALLBACK);
    assert!(in_query.contains_key("code"));
    let fragment = browser.open(&request_of("own", &[("response_mode", Some("fragment"))])).await;
    let fragment = location(&fragment);
    let (before, fragment) = fragment.split_once('#').unwrap();
    assert_eq!((before, parameters(fragment)["state"].as_str()), (CALLBACK, STATE));
    let form = browser.open(&request_of("own", &[("response_mode", Some("form_post"))])).await;
    assert_eq!(form.status, 200);
    let fields = hidden_fields(&form, CALLBACK);
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!(fields[2].1, ISSUER);
    assert!(form.text.contains("<button"), "it has a visible button");
    let error = [("response_mode", Some("form_post")), ("scope", Some("photos:delete"))];
    let form = browser.open(&request_of("own", &error)).await;
    assert!(hidden_fields(&form, CALLBACK).contains(&("error".to_owned(), "invalid_scope".to_owned())));
}

#[actix_web::test]
async fn head_issues_no_code() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let code = browser.sign_in(&request_of("own", &[])).await;
    assert!(response(&code, CALLBACK).contains_key("code"));
    let head = browser.jar.request(&server, Method::HEAD, &request_of("own", &[]));
    let head = browser.send(head).await;
    assert_eq!((head.status, head.header("location")), (200, None));
}

/// PK-06: so a code that is injected into another browser or client is of no use there.
#[actix_web::test]
async fn a_code_is_bound_to_everything_that_was_asked_for_and_allowed() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    let sent = response(&browser.allow(&page).await, CALLBACK);
    let key = CodeKey::of(&Plain::new(sent["code"].clone())).unwrap();
    let code = server.store.find_code(&key).await.unwrap().unwrap();
    let sign_in = SignInKey::of(&Plain::new(browser.handle().unwrap())).unwrap();
    assert_eq!((code.client_id.as_str(), code.redirect_uri.as_str()), ("printer", CALLBACK));
    assert_eq!(
        (code.challenge, code.sign_in),
        (CodeChallenge::parse(CHALLENGE).unwrap(), sign_in.session.id)
    );
    assert_eq!((code.scope.as_str(), code.audience.as_str()), ("photos:read", "http://localhost:3000"));
    assert!(code.expires_at - code.now <= CODE_LIFETIME && code.spent_for.is_none());
}

/// AS-06: the browser never posts the password to the client.
#[actix_web::test]
async fn the_redirect_after_the_last_form_is_a_303() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&request(&[])).await;
    assert_eq!(browser.allow(&page).await.status, 303);
}

on_both_engines! {
    async fn an_implicit_token_is_short_lived_needs_consent_each_time_and_comes_alone(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        let implicit =
            || request_of("page", &[("response_type", Some("token")), ("scope", Some("photos:read offline_access"))]);
        let mut page = browser.sign_in(&implicit()).await;
        for _ in 0..2 {
            let answer = location(&browser.allow(&page).await);
            let (_, fragment) = answer.split_once('#').unwrap();
            let sent = parameters(fragment);
            let mut names: Vec<_> = sent.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["access_token", "expires_in", "iss", "scope", "state", "token_type"]);
            assert_eq!((sent["expires_in"].as_str(), sent["scope"].as_str()), ("300", "photos:read"));
            assert!(server.get("/sessions", Some(&sent["access_token"])).await.status == 401, "no account access");
            page = browser.open(&implicit()).await;
        }
        let in_query = [("response_type", Some("token")), ("response_mode", Some("query"))];
        let refused = location(&browser.open(&request_of("page", &in_query)).await);
        assert!(refused.contains("#error=invalid_request"), "{refused}");
    }
}
