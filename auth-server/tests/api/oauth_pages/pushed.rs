//! Requests that the client has pushed (RFC 9126).

use auth_domain::{ClientId, Digest, PushedRequest};
use chrono::TimeDelta;
use goptri_settings::Plain;
use test_support::Answer;

use super::browser::{Browser, is_consent, is_sign_in, response};
use super::fixture::{CALLBACK, STATE, prepare, request};
use crate::support::{EMAIL, PASSWORD, TestServer, on_both_engines};

const URI: &str = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c";

/// Pushes the usual request of `printer`.
async fn push(server: &TestServer) {
    let request = request(&[]).split_once('?').unwrap().1.to_owned();
    let uri_hash = Digest::of(&Plain::new(URI.to_owned()));
    let pushed = PushedRequest { uri_hash, client_id: ClientId::new("printer".to_owned()), request };
    server.store.push_request(&pushed).await.unwrap();
}

fn path(client: &str) -> String {
    format!(
        "/authorize?client_id={client}&request_uri={URI}&scope=photos:delete&redirect_uri=https://evil.example"
    )
}

fn assert_refused(page: &Answer) {
    assert_eq!((page.status, page.header("location")), (400, None), "{}", page.text);
}

on_both_engines! {
    async fn a_pushed_request_stays_while_the_user_is_on_the_pages_and_is_spent_with_the_code(server) {
        prepare(&server).await;
        push(&server).await;
        let mut browser = Browser::new(&server);
        assert!(is_sign_in(&browser.open(&path("printer")).await));
        let page = browser.open(&path("printer")).await;
        assert!(is_sign_in(&page), "after a reload");
        server.later(TimeDelta::minutes(10));
        let signed_in = browser.sign_in_as(&page, EMAIL, PASSWORD).await;
        let page = browser.follow(&signed_in).await;
        assert!(is_consent(&page), "{} {}", page.status, page.text);
        let sent = response(&browser.allow(&page).await, CALLBACK);
        assert_eq!((sent["state"].as_str(), sent.contains_key("code")), (STATE, true));
        assert_refused(&browser.allow(&page).await);
        assert_refused(&browser.open(&path("printer")).await);
    }

    async fn a_pushed_request_is_of_one_client_and_opened_soon(server) {
        prepare(&server).await;
        push(&server).await;
        let mut browser = Browser::new(&server);
        assert_refused(&browser.open(&path("own")).await);
        assert!(is_sign_in(&browser.open(&path("printer")).await));
        server.later(TimeDelta::seconds(91));
        assert_refused(&browser.open(&path("printer")).await);
    }
}
