//! Failed fetches and invalid responses: the known keys stay, each reason is logged once, and the refresher recovers.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use goptri::TokenError;
use goptri::keys::{JwksRefreshConfig, MAX_JWKS_BYTES};
use serde_json::json;

use crate::jwks_fixture::{CONTINUOUSLY, FollowedKeys};
use crate::revocation_set::resident_kb;
use crate::test_keys::{ED25519, P256, RSA, jwk, jwks};
use test_support::feed_server::{FeedServer, Request};
use test_support::forge::with;

const FAILED: &str = "the public keys of auth-server cannot be fetched; the last ones stay in use";

/// A guard that knows one key.
fn knowing_one(pace: JwksRefreshConfig) -> FollowedKeys {
    let followed = FollowedKeys::start(FeedServer::start_manual(), pace, &[]);
    followed.server.next_keys_request().publish(&jwks(&[ED25519]));
    followed.wait_until_used(ED25519);
    followed
}

/// Responds with `fail` twice: the key stays the only one, and the reason is logged once; after a success, a failure is logged
/// again.
fn fails(followed: &FollowedKeys, reason: &str, fail: impl Fn(Request)) {
    for round in 1..=2 {
        for _ in 0..2 {
            fail(followed.server.next_keys_request());
        }
        // The next request shows that both responses were processed.
        let healing = followed.server.next_keys_request();
        followed.wait(reason, || followed.log.times(reason) == round);
        assert_eq!((followed.rejection(ED25519), followed.guard.check_ready()), (None, Ok(())), "{reason}");
        assert_eq!(followed.rejection(P256), Some(TokenError::UnknownKey), "{reason}");
        assert_eq!(followed.log.times(FAILED), round, "{}", followed.log.text());
        healing.publish(&jwks(&[RSA]));
        followed.publish_until_used(RSA);
        assert_eq!(followed.rejection(ED25519), Some(TokenError::UnknownKey), "{reason}");
        followed.publish_until_used(ED25519);
    }
}

#[test]
fn a_response_that_is_not_a_jwks_changes_nothing() {
    let html = "<!doctype html><title>hunter2</title>".to_owned();
    let private = json!({ "keys": [jwk(P256), with(jwk(RSA), "d", "hunter2")] }).to_string();
    let twice = json!({ "keys": [jwk(P256), jwk(P256)] }).to_string();
    let many =
        json!({ "keys": (0..65).map(|kid| with(jwk(P256), "kid", kid.to_string())).collect::<Vec<_>>() });
    let half = jwks(&[P256])[..100].to_owned();
    let no_set = "its response cannot be used: it is not a JSON object with an array of keys; does AUTH_SERVER_URL name auth-server itself?";
    let table = [
        ("500 Internal Server Error", jwks(&[P256]), "it answers 500 Internal Server Error instead of keys"),
        ("503 Service Unavailable", String::new(), "it answers 503 Service Unavailable instead of keys"),
        ("404 Not Found", html.clone(), "it answers 404 Not Found instead of keys"),
        ("401 Unauthorized", html.clone(), "it answers 401 Unauthorized instead of keys"),
        ("201 Created", jwks(&[P256]), "it answers 201 Created instead of keys"),
        ("200 OK", html, no_set),
        ("200 OK", String::new(), no_set),
        ("200 OK", "null".to_owned(), no_set),
        ("200 OK", half, no_set),
        ("200 OK", many.to_string(), "it has more than 64 keys"),
        ("200 OK", twice, "it has two keys with the same kid"),
        ("200 OK", private, "it has private members, with which any reader can sign tokens"),
    ];
    for (status, body, reason) in table {
        let followed = knowing_one(CONTINUOUSLY);
        fails(&followed, reason, |asked| asked.answer(status, "Content-Type: text/html\r\n", &body));
        assert!(!followed.log.text().contains("hunter2"), "{}", followed.log.text());
    }
}

#[test]
fn a_response_of_the_largest_size_is_used() {
    let followed = knowing_one(CONTINUOUSLY);
    let set = jwks(&[P256]);
    let padding = " ".repeat(MAX_JWKS_BYTES - set.len());
    followed.server.next_keys_request().publish(&(set + &padding));
    followed.wait_until_used(P256);
}

/// OI-03: every reader of such a set can sign, so an operator must act immediately.
#[test]
fn private_members_are_logged_as_an_error_also_after_other_failures() {
    let followed = knowing_one(CONTINUOUSLY);
    followed.server.next_keys_request().publish("<p>no</p>");
    followed
        .server
        .next_keys_request()
        .publish(&json!({ "keys": [with(jwk(P256), "d", "hunter2")] }).to_string());
    let _judged = followed.server.next_keys_request();
    let text = followed.log.text();
    let error = text.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
    assert!(error.contains("replace these keys now, and publish only public members"), "{text}");
    assert_eq!((followed.rejection(ED25519), followed.rejection(P256)), (None, Some(TokenError::UnknownKey)));
}

#[test]
fn a_connection_that_closes_or_is_not_http_changes_nothing() {
    for nonsense in
        [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00", b"220 mail.example.com ESMTP\r\n", b"\0\0\r\n\r\n"]
    {
        let followed = knowing_one(CONTINUOUSLY);
        fails(&followed, "auth-server cannot be reached: ", |mut asked| {
            asked.send(nonsense);
        });
    }
    let followed = knowing_one(CONTINUOUSLY);
    fails(&followed, "auth-server cannot be reached: ", |mut asked| {
        let body = jwks(&[P256]);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 1);
        asked.send(head.as_bytes());
        asked.send(body.as_bytes());
    });
}

#[test]
fn an_unreachable_auth_server_is_logged_and_retried() {
    // A port that was just closed.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = FeedServer::start_manual();
    server.address = address;
    let followed = FollowedKeys::start(server, CONTINUOUSLY, &[]);
    followed.wait_for_log("auth-server cannot be reached: Connection refused");
    assert_eq!(followed.rejection(ED25519), Some(TokenError::KeysUnavailable));
}

/// Only the configured server is trusted.
#[test]
fn a_redirect_is_not_followed() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let elsewhere = FeedServer::start();
        elsewhere.publish(&jwks(&[P256]));
        let followed = knowing_one(CONTINUOUSLY);
        let location = format!("Location: {}/.well-known/jwks.json\r\n", elsewhere.url());
        fails(&followed, &format!("it redirects ({status})"), |asked| {
            asked.answer(status, &location, &jwks(&[P256]));
        });
        assert_eq!(elsewhere.keys_requests(), 0, "{status}");
    }
}

/// Sends `piece` until the refresher disconnects, and returns how many megabytes it accepted.
fn flood(mut asked: Request, head: &str, piece: &str) -> usize {
    let megabyte = piece.repeat((1 << 20) / piece.len());
    asked.send(head.as_bytes());
    (0..1_024).take_while(|_| asked.send(megabyte.as_bytes())).count()
}

#[test]
fn an_endless_response_is_cut_off() {
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\n\r\n{\"keys\":[";
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1_024));
    for (head, piece) in [(sized, " "), (chunked, chunk.as_str()), (endless, "{\"kty\":\"EC\"},")] {
        let followed = knowing_one(CONTINUOUSLY);
        let before = resident_kb();
        fails(&followed, "it is longer than 131072 bytes", |asked| {
            let accepted = flood(asked, head, piece);
            // Includes the buffers of the operating system.
            assert!(accepted < 64, "{accepted} MiB of {piece:?}");
        });
        let grown = resident_kb().saturating_sub(before);
        assert!(grown < 40_000, "{grown} kB more");
    }
}

#[test]
fn a_response_that_hangs_or_trickles_times_out() {
    let pace = JwksRefreshConfig { timeout: Duration::from_millis(100), ..CONTINUOUSLY };
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    for begun in ["", "HTTP/1.1 200 OK\r\nContent-", head, &format!("{head}{{\"keys\":[")] {
        let followed = knowing_one(pace);
        fails(&followed, "it did not answer within 0 s", |mut asked| {
            asked.send(begun.as_bytes());
            asked.wait_until_closed();
        });
    }
    // Always some data, and never an end.
    let followed = knowing_one(pace);
    fails(&followed, "it did not answer within 0 s", |mut asked| {
        asked.send(head.as_bytes());
        while asked.send(b" ") {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

#[test]
fn retries_back_off() {
    let pace = JwksRefreshConfig {
        min_retry: Duration::from_millis(20),
        max_retry: Duration::from_millis(160),
        ..CONTINUOUSLY
    };
    let followed = knowing_one(pace);
    let started = std::time::Instant::now();
    for _ in 0..6 {
        followed.server.next_keys_request().answer("500 Internal Server Error", "", "");
    }
    drop(followed.server.next_keys_request());
    // 20, 40, 80, and then 160 ms each.
    assert!(started.elapsed() >= Duration::from_millis(620), "{:?}", started.elapsed());
}

/// Unusable keys, as of a newer auth-server, are skipped and logged; the others are used.
#[test]
fn an_unusable_key_is_skipped_and_logged() {
    let followed = FollowedKeys::start(FeedServer::start_manual(), CONTINUOUSLY, &[]);
    let keys =
        json!([with(jwk(P256), "use", "enc"), jwk(ED25519), { "kty": "of tomorrow", "kid": "hunter2" }]);
    followed.server.next_keys_request().publish(&json!({ "keys": keys }).to_string());
    followed.wait_until_used(ED25519);
    assert_eq!(followed.rejection(P256), Some(TokenError::UnknownKey));
    assert_eq!(
        followed.log.times("a key that auth-server publishes is not used"),
        2,
        "{}",
        followed.log.text()
    );
    for reason in ["it is not for verifying signatures (use, key_ops)", "it is not Ed25519 (EdDSA), P-256"] {
        assert_eq!(followed.log.times(reason), 1, "{}", followed.log.text());
    }
    assert!(!followed.log.text().contains("hunter2"), "{}", followed.log.text());
}
