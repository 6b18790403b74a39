//! When the keys are fetched: at once when auth-server says that they have changed, and rarely when only strangers do.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use goptri::TokenError;
use goptri::keys::JwksRefreshConfig;
use serde_json::json;

use crate::feed_server::FeedServer;
use crate::followed::FEED_SECRET;
use crate::followed_keys::{AGAIN_AND_AGAIN, FollowedKeys, ONLY_WHEN_ASKED};
use crate::test_keys::{ED25519, P256, RSA, jwk, jwks, kid_of, sign};
use test_support::forge::{base64url, claims, with};

const FEED: (&str, &str) = ("FEED_SECRET", FEED_SECRET);

fn publishing(keys: &[&str]) -> FeedServer {
    let server = FeedServer::start();
    server.publish(&jwks(keys));
    server
}

/// A token that somebody made up.
fn invented(kid: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid });
    let signed = [header, claims()].map(|part| base64url(part.to_string())).join(".");
    format!("{signed}.{}", base64url([7; 64]))
}

#[test]
fn the_feed_makes_it_fetch_at_once_when_the_keys_change_and_each_time_it_has_caught_up() {
    let followed = FollowedKeys::start(publishing(&[ED25519]), ONLY_WHEN_ASKED, &[FEED]);
    followed.wait_until_known(ED25519);
    followed.server.publish(&jwks(&[P256]));
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    followed.wait_until_taken(P256);
    assert_eq!(followed.server.keys_asked(), 2);

    followed.server.publish(&jwks(&[RSA]));
    feed.event("keys", "{}");
    followed.wait_until_taken(RSA);
    assert_eq!((followed.server.keys_asked(), followed.refusal(P256)), (3, Some(TokenError::UnknownKey)));

    // What changed while the feed was away is found when it is back.
    followed.server.publish(&jwks(&[ED25519]));
    drop(feed);
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    followed.wait_until_taken(ED25519);
    assert_eq!(followed.server.keys_asked(), 4);
}

#[test]
fn what_the_feed_says_again_and_again_is_fetched_no_more_often_than_the_least_pause() {
    let pace = JwksRefreshConfig { least: Duration::from_millis(100), ..ONLY_WHEN_ASKED };
    let started = Instant::now();
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[FEED]);
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    while followed.server.keys_asked() < 4 {
        feed.event("keys", "{}");
    }
    assert!(started.elapsed() >= 3 * pace.least, "{:?}", started.elapsed());
}

#[test]
fn a_token_with_an_unknown_kid_makes_it_fetch() {
    let pace = JwksRefreshConfig { cool_down: Duration::from_millis(1), ..ONLY_WHEN_ASKED };
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[]);
    followed.wait_until_known(ED25519);
    followed.server.publish(&jwks(&[ED25519, P256]));
    assert_eq!(followed.refusal(P256), Some(TokenError::UnknownKey), "this one comes too early");
    followed.wait_until_taken(P256);
}

/// JV-06
#[test]
fn ten_thousand_tokens_with_unknown_kids_make_no_request_before_the_cool_down_is_over() {
    let followed = FollowedKeys::start(publishing(&[ED25519]), ONLY_WHEN_ASKED, &[FEED]);
    followed.wait_until_known(ED25519);
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    followed.wait("it has fetched again", || followed.server.keys_asked() == 2);
    for number in 0..10_000 {
        let refusal = followed.guard.verify(&invented(&format!("made up {number}"))).err();
        assert_eq!(refusal, Some(TokenError::UnknownKey));
    }
    // auth-server's own word is not drowned by theirs, and had they made a request, it would have come before.
    followed.server.publish(&jwks(&[P256]));
    feed.event("keys", "{}");
    followed.wait_until_taken(P256);
    assert_eq!(followed.server.keys_asked(), 3, "a stranger made it fetch");
}

/// JV-06
#[test]
fn unknown_kids_without_end_make_one_request_for_each_cool_down() {
    let pace = JwksRefreshConfig { cool_down: Duration::from_millis(200), ..ONLY_WHEN_ASKED };
    let started = Instant::now();
    let followed = FollowedKeys::start(publishing(&[ED25519]), pace, &[]);
    followed.wait_until_taken(ED25519);
    let mut checked = 0;
    while followed.server.keys_asked() < 4 || checked < 10_000 {
        checked += 1;
        followed.guard.verify(&invented(&checked.to_string())).unwrap_err();
        let asked = followed.server.keys_asked() as u128;
        let most = started.elapsed().as_millis() / pace.cool_down.as_millis() + 1;
        assert!(asked <= most, "{checked} tokens");
    }
    assert!(followed.guard.ready().is_ok());
}

/// JV-05, JV-06: whatever a token says of where its key is, nobody goes there.
#[test]
fn no_header_of_a_token_ever_makes_a_request_to_where_it_says() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", elsewhere.local_addr().unwrap());
    let followed = FollowedKeys::start(publishing(&[ED25519]), ONLY_WHEN_ASKED, &[FEED]);
    followed.wait_until_known(ED25519);
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    followed.wait("it has fetched again", || followed.server.keys_asked() == 2);
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
                    let refusal = followed.guard.verify(&token).unwrap_err();
                    assert!(
                        matches!(refusal, TokenError::UnknownKey | TokenError::WrongAlgorithm),
                        "{refusal}"
                    );
                }
            }
        }
    }
    feed.event("keys", "{}");
    followed.wait("auth-server was asked", || followed.server.keys_asked() == 3);
    let nobody = elsewhere.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "somebody went where a token led");
}

#[test]
fn a_tag_is_sent_back_and_nothing_new_keeps_what_is_known() {
    let followed = FollowedKeys::start(FeedServer::start_by_hand(), AGAIN_AND_AGAIN, &[]);
    let tag = |asked: &crate::feed_server::Asked| {
        let head = asked.head.to_ascii_lowercase();
        head.lines().find_map(|line| line.strip_prefix("if-none-match: ").map(str::to_owned))
    };
    let first = followed.server.next_for_keys();
    assert_eq!(tag(&first), None);
    first.answer("200 OK", "ETag: \"one\"\r\n", &jwks(&[ED25519]));
    for _ in 0..3 {
        let again = followed.server.next_for_keys();
        assert_eq!(tag(&again).as_deref(), Some("\"one\""));
        assert_eq!(followed.refusal(ED25519), None);
        again.answer("304 Not Modified", "ETag: \"one\"\r\n", "");
    }
    // A tag belongs to what was taken: not to what was no good, and none to what has none.
    followed.server.next_for_keys().answer("200 OK", "ETag: \"two\"\r\n", "<p>no</p>");
    let again = followed.server.next_for_keys();
    assert_eq!(tag(&again).as_deref(), Some("\"one\""));
    again.publish(&jwks(&[P256]));
    let again = followed.server.next_for_keys();
    assert_eq!((tag(&again), followed.refusal(P256)), (None, None));
    assert_eq!(followed.refusal(ED25519), Some(TokenError::UnknownKey));
    // Nothing new, to who has not said what would be old.
    again.answer("304 Not Modified", "", "");
    followed.wait_for_log("304");
    assert_eq!(followed.refusal(P256), None);
}
