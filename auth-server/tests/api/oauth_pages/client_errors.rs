//! Requests that fail: which errors reach the client, and which do not.

use std::collections::HashMap;

use super::browser::{Browser, location, parameters, response};
use super::fixture::{CALLBACK, CHALLENGE, ISSUER, STATE, prepare, request, server};
use crate::support::on_both_engines;

/// AS-03
#[actix_web::test]
async fn an_unknown_client_or_redirect_uri_gets_a_page_and_is_never_redirected() {
    let server = server().await;
    let attack = "https://evil.example/\"><script>alert(1)</script>";
    for changes in [
        vec![("client_id", None)],
        vec![("client_id", Some("unknown"))],
        vec![("client_id", Some(attack))],
        vec![("redirect_uri", None)],
        vec![("redirect_uri", Some(attack))],
        vec![("redirect_uri", Some("https://print.example/callback"))],
        vec![("redirect_uri", Some("https://print.example/callback?shop=1&x"))],
        vec![("redirect_uri", Some(attack)), ("response_type", None)],
        vec![("redirect_uri", Some(attack)), ("prompt", Some("none"))],
        vec![("request_uri", Some(attack))],
        vec![("request_uri", Some("urn:ietf:params:oauth:request_uri:unknown"))],
    ] {
        let page = Browser::new(&server).open(&request(&changes)).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{changes:?}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(!page.text.contains("evil.example"), "{}", page.text);
        let request_id = page.header("x-request-id").unwrap();
        assert!(page.text.contains(request_id), "the page shows the request id");
        assert!(!page.text.contains("action="), "it has no form");
    }
    for parameter in ["client_id=printer", "redirect_uri=https%3A%2F%2Fprint.example%2Fother"] {
        let page = Browser::new(&server).open(&format!("{}&{parameter}", request(&[]))).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{parameter} twice");
    }
}

/// AS-04, AS-05, AS-09, PK-01, PK-02
#[actix_web::test]
async fn every_other_error_goes_back_to_the_client_with_state_and_issuer() {
    let server = server().await;
    for (changes, error) in [
        (("response_type", None), "invalid_request"),
        (("response_type", Some("code id")), "unsupported_response_type"),
        (("response_mode", Some("web_message")), "invalid_request"),
        (("code_challenge", None), "invalid_request"),
        (("code_challenge", Some(&CHALLENGE[1..])), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("scope", Some("photos:delete")), "invalid_scope"),
        (("resource", Some("https://other.example")), "invalid_target"),
        (("prompt", Some("none login")), "invalid_request"),
        (("prompt", Some("none")), "login_required"),
        (("max_age", Some("soon")), "invalid_request"),
        (("request", Some("eyJhbGciOiJub25lIn0..")), "request_not_supported"),
    ] {
        let answer = Browser::new(&server).open(&request(&[changes])).await;
        let mut sent = response(&answer, CALLBACK);
        let description = sent.remove("error_description").unwrap();
        assert!(description.ends_with('.'), "{description}");
        let expected = [("shop", "1"), ("error", error), ("state", STATE), ("iss", ISSUER)];
        let expected: HashMap<_, _> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(sent, expected, "{changes:?}");
    }
    for (response_type, error) in
        [("id_token", "unsupported_response_type"), ("token", "unauthorized_client")]
    {
        let asked = request(&[("response_type", Some(response_type))]);
        let location = location(&Browser::new(&server).open(&asked).await);
        let (before, fragment) = location.split_once('#').unwrap();
        let sent = parameters(fragment);
        assert_eq!((before, sent["error"].as_str(), sent["state"].as_str()), (CALLBACK, error, STATE));
    }
    let twice = Browser::new(&server).open(&(request(&[]) + "&scope=photos:read")).await;
    assert_eq!(response(&twice, CALLBACK)["error"], "invalid_request");
}

/// AS-09, OI-08
#[actix_web::test]
async fn unknown_and_empty_parameters_are_ignored() {
    let server = server().await;
    let more = "&display=popup&claims_locales=x&acr_values=9&prompt=&request=&foo=1&foo=2";
    let page = Browser::new(&server).open(&(request(&[]) + more)).await;
    assert!(super::browser::is_sign_in(&page), "{} {}", page.status, page.text);
}

on_both_engines! {
    /// OI-05
    async fn without_a_page_the_client_learns_what_is_missing(server) {
        prepare(&server).await;
        let mut browser = Browser::new(&server);
        let silent = request(&[("prompt", Some("none"))]);
        let error = |answer: &test_support::Answer| response(answer, CALLBACK).remove("error");
        assert_eq!(error(&browser.open(&silent).await).as_deref(), Some("login_required"));
        let page = browser.sign_in(&request(&[])).await;
        assert_eq!(error(&browser.open(&silent).await).as_deref(), Some("consent_required"));
        browser.allow(&page).await;
        let issued = response(&browser.open(&silent).await, CALLBACK);
        assert!(issued.contains_key("code") && !issued.contains_key("error"), "{issued:?}");
        server.later(chrono::TimeDelta::seconds(61));
        let stale = request(&[("prompt", Some("none")), ("max_age", Some("60"))]);
        assert_eq!(error(&browser.open(&stale).await).as_deref(), Some("login_required"));
    }
}
