//! What triggers a fetch of the keys: events of the feed immediately, tokens with unknown key ids rarely.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use goptri::TokenError;
use goptri::keys::JwksRefreshConfig;
use serde_json::json;

use crate::feed_fixture::FEED_SECRET;
use crate::jwks_fixture::{CONTINUOUSLY, FollowedKeys, ON_TRIGGER};
use crate::test_keys::{ED25519, P256, RSA, jwk, jwks, kid_of, sign};
use test_support::feed_server::FeedServer;
use test_support::forge::{base64url, claims, with};

const FEED: (&str, &str) = ("FEED_SECRET", FEED_SECRET);

fn publishing(keys: &[&str]) -> FeedServer {
    let server = FeedServer::start();
    server.publish(&jwks(keys));
    server
}

/// A forged token.
fn forged(kid: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid });
    let signed = [header, claims()].map(|part| base64url(part.to_string())).join(".");
    format!("{signed}.{}", base64url([7; 64]))
}

#[test]
fn keys_are_fetched_at_each_keys_event_and_each_caught_up() {
    let followed = FollowedKeys::start(publishing(&[ED25519]), ON_TRIGGER, &[FEED]);
    followed.wait_until_known(ED25519);
    followed.server.publish(&jwks(&[P256]));
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    followed.wait_until_used(P256);
    assert_eq!(followed.server.keys_requests(), 2);

    followed.server.publish(&jwks(&[RSA]));
    feed.event("keys", "{}");
    followed.wait_until_used(RSA);
    assert_eq!(
        (followed.server.keys_requests(), followed.rejection(P256)),
        (3, Some(TokenError::UnknownKey))
    );

    // A change during an outage is found after it.
    followed.server.publish(&jwks(&[ED25519]));
    drop(feed);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    followed.wait_until_used(ED25519);
    assert_eq!(followed.server.keys_requests(), 4);
}

#[test]
fn repeated_keys_events_fetch_no_more_often_than_the_minimum_interval() {
    let pace = JwksRefreshConfig { change_cooldown: Duration::from_millis(100), ..ON_TRIGGER };
    let started = Instant::now();
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[FEED]);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    while followed.server.keys_requests() < 4 {
        feed.event("keys", "{}");
    }
    assert!(started.elapsed() >= 3 * pace.change_cooldown, "{:?}", started.elapsed());
}

#[test]
fn a_token_with_an_unknown_kid_triggers_a_fetch() {
    let pace = JwksRefreshConfig { unknown_kid_cooldown: Duration::from_millis(1), ..ON_TRIGGER };
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[]);
    followed.wait_until_known(ED25519);
    followed.server.publish(&jwks(&[ED25519, P256]));
    assert_eq!(followed.rejection(P256), Some(TokenError::UnknownKey), "the fetch is not done yet");
    followed.wait_until_used(P256);
}

/// JV-06
#[test]
fn ten_thousand_tokens_with_unknown_kids_trigger_no_request_before_the_cooldown_is_over() {
    let followed = FollowedKeys::start(publishing(&[ED25519]), ON_TRIGGER, &[FEED]);
    followed.wait_until_known(ED25519);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    followed.wait("fetched again", || followed.server.keys_requests() == 2);
    for number in 0..10_000 {
        let rejection = followed.guard.verify(&forged(&format!("made up {number}"))).err();
        assert_eq!(rejection, Some(TokenError::UnknownKey));
    }
    // A `keys` event still takes effect. A request by the tokens would have come first.
    followed.server.publish(&jwks(&[P256]));
    feed.event("keys", "{}");
    followed.wait_until_used(P256);
    assert_eq!(followed.server.keys_requests(), 3, "a forged token triggered a fetch");
}

/// JV-06
#[test]
fn endless_unknown_kids_trigger_one_request_per_cooldown() {
    let pace = JwksRefreshConfig { unknown_kid_cooldown: Duration::from_millis(200), ..ON_TRIGGER };
    let started = Instant::now();
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[]);
    followed.wait_until_used(ED25519);
    let mut checked = 0;
    while followed.server.keys_requests() < 4 || checked < 10_000 {
        checked += 1;
        followed.guard.verify(&forged(&checked.to_string())).unwrap_err();
        let asked = followed.server.keys_requests() as u128;
        let most = started.elapsed().as_millis() / pace.unknown_kid_cooldown.as_millis() + 1;
        assert!(asked <= most, "{checked} tokens");
    }
    assert!(followed.guard.check_ready().is_ok());
}

/// JV-05, JV-06
#[test]
fn no_token_triggers_a_request_to_a_url_that_it_names() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", elsewhere.local_addr().unwrap());
    let followed = FollowedKeys::start(publishing(&[ED25519]), ON_TRIGGER, &[FEED]);
    followed.wait_until_known(ED25519);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    followed.wait("fetched again", || followed.server.keys_requests() == 2);
    for kid in [kid_of(ED25519), kid_of(P256), url.clone(), format!("file://{url}"), "/dev/stdin".to_owned()]
    {
        for member in ["jku", "x5u", "jwk", "x5c", "iss", "url", "kid_url"] {
            for value in [json!(url), json!([url]), with(jwk(P256), "x5u", url.as_str())] {
                let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid });
                let payload = with(with(claims(), "iss", url.as_str()), "jku", url.as_str());
                for payload in [claims(), payload] {
                    let header = with(header.clone(), member, value.clone()).to_string();
                    let signed = format!("{}.{}", base64url(header), base64url(payload.to_string()));
                    let token = format!("{signed}.{}", base64url(sign("ES256", P256, &signed)));
                    let rejection = followed.guard.verify(&token).unwrap_err();
                    assert!(
                        matches!(rejection, TokenError::UnknownKey | TokenError::WrongAlgorithm),
                        "{rejection}"
                    );
                }
            }
        }
    }
    feed.event("keys", "{}");
    followed.wait("keys fetched", || followed.server.keys_requests() == 3);
    let error = elsewhere.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "a token triggered a request");
}

#[test]
fn the_etag_is_sent_back_and_304_keeps_the_keys() {
    let followed = FollowedKeys::start(FeedServer::start_manual(), CONTINUOUSLY, &[]);
    let tag = |asked: &test_support::feed_server::Request| {
        let head = asked.head.to_ascii_lowercase();
        head.lines().find_map(|line| line.strip_prefix("if-none-match: ").map(str::to_owned))
    };
    let first = followed.server.next_keys_request();
    assert_eq!(tag(&first), None);
    first.answer("200 OK", "ETag: \"one\"\r\n", &jwks(&[ED25519]));
    for _ in 0..3 {
        let again = followed.server.next_keys_request();
        assert_eq!(tag(&again).as_deref(), Some("\"one\""));
        assert_eq!(followed.rejection(ED25519), None);
        again.answer("304 Not Modified", "ETag: \"one\"\r\n", "");
    }
    let next = followed.server.next_keys_request();
    assert!(!followed.log.text().contains("304 Not Modified"), "{}", followed.log.text());
    // The tag of an unusable response is not sent back, nor an older one after a response without a tag.
    next.answer("200 OK", "ETag: \"two\"\r\n", "<p>no</p>");
    let again = followed.server.next_keys_request();
    assert_eq!(tag(&again).as_deref(), Some("\"one\""));
    again.publish(&jwks(&[P256]));
    let again = followed.server.next_keys_request();
    assert_eq!((tag(&again), followed.rejection(P256)), (None, None));
    assert_eq!(followed.rejection(ED25519), Some(TokenError::UnknownKey));
    // 304 to a request without a tag.
    again.answer("304 Not Modified", "", "");
    followed.wait_for_log("304 Not Modified");
    assert_eq!(followed.rejection(P256), None);
}
