//! Responses that are not a feed, and malformed feeds: the reason is logged, and the set keeps its entries.

use std::time::Duration;

use goptri::TokenError;
use goptri::revocation::{EntryKind, FeedTimeouts, OnStale};

use crate::feed_fixture::{FEED_SECRET, Followed};
use crate::revocation_set::{SESSION, resident_kb};
use test_support::feed_server::{Request, entry};
use test_support::forge::{NOW, good};

/// Afterwards a correct server restores everything, and the earlier entries are still there.
fn recovers(followed: &Followed) {
    let mut feed = followed.server.next_request().accept();
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    feed.caught_up(0);
    followed.wait("caught up", || followed.revocations.check_ready().is_ok());
    assert_eq!(followed.rejection(&good()), Some(TokenError::Revoked));
    assert!(!followed.log.text().contains(FEED_SECRET) && !followed.log.text().contains("panicked"));
}

#[test]
fn a_response_that_is_not_a_feed_is_rejected_and_the_reason_logged() {
    let table: [(&str, &str, &str, &str); 6] = [
        (
            "401 Unauthorized",
            "WWW-Authenticate: Bearer\r\n",
            "{}",
            "the first secret in FEED_SECRET here must be one",
        ),
        (
            "404 Not Found",
            "Content-Type: text/html\r\n",
            "<p>no</p>",
            "answers 404 Not Found instead of the feed",
        ),
        ("503 Service Unavailable", "Retry-After: 1\r\n", "", "answers 503 Service Unavailable instead"),
        ("302 Found", "Location: http://127.0.0.1:1/\r\n", "", "answers 302 Found instead of the feed"),
        ("200 OK", "Content-Type: text/html\r\n", "<p>hello</p>", "answers 200 without a stream of events"),
        ("200 OK", "", "event: caught-up\ndata: {}\n\n", "answers 200 without a stream of events"),
    ];
    for (status, headers, body, reason) in table {
        let followed = Followed::start(OnStale::Allow);
        followed.server.next_request().answer(status, headers, body);
        followed.wait_for_log(reason);
        assert!(followed.revocations.check_ready().is_err());
        recovers(&followed);
    }
}

/// A redirect could send the secret to another server.
#[test]
fn a_redirect_is_not_followed() {
    let (followed, elsewhere) =
        (Followed::start(OnStale::Allow), test_support::feed_server::FeedServer::start());
    let location = format!("Location: {}/revocations\r\n", elsewhere.url());
    followed.server.next_request().answer("307 Temporary Redirect", &location, "");
    recovers(&followed);
    assert!(!elsewhere.is_requested_within(Duration::from_millis(50)));
}

#[test]
fn a_response_that_is_not_http_is_rejected() {
    for nonsense in
        [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"220 mail.example.com ESMTP\r\n", b"\0\0\0\0\r\n\r\n", b""]
    {
        let followed = Followed::start(OnStale::Allow);
        let mut asked = followed.server.next_request();
        asked.send(nonsense);
        drop(asked);
        followed.wait_for_log("auth-server cannot be reached: ");
        recovers(&followed);
    }
}

/// Events before the malformed one count.
#[test]
fn a_malformed_event_ends_the_connection() {
    let table: [(&[u8], &str); 9] = [
        (b"event: caught-up\ndata: nonsense\n\n", "the data of the event \"caught-up\" is malformed"),
        (
            b"event: caught-up\ndata: {\"age_ms\":-1,\"uptime_ms\":0}\n\n",
            "the data of the event \"caught-up\" is malformed",
        ),
        (
            b"event: caught-up\ndata: {\"age_ms\":1e99,\"uptime_ms\":0}\n\n",
            "the data of the event \"caught-up\" is malformed",
        ),
        (b"event: caught-up\ndata: {}\n\n", "the data of the event \"caught-up\" is malformed"),
        (b"event: revocations\ndata: []\n\n", "the data of the event \"revocations\" is malformed"),
        (
            b"event: revocations\ndata: {\"entries\":7}\n\n",
            "the data of the event \"revocations\" is malformed",
        ),
        (
            b"event: revocations\ndata: {\"entries\":[{]}\n\n",
            "the data of the event \"revocations\" is malformed",
        ),
        (b"event: revocations\ndata: \xff\xfe\xfd\n\n", "the data of the event \"revocations\" is malformed"),
        (b"event: caught-up\ndata: {\"age_ms\":0,\"uptime_ms\":0}\n", "the connection was closed"),
    ];
    for (nonsense, reason) in table {
        let followed = Followed::start(OnStale::Allow);
        let mut feed = followed.server.next_request().accept();
        feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
        feed.send(nonsense);
        drop(feed);
        followed.wait_for_log(reason);
        assert_eq!(followed.rejection(&good()), Some(TokenError::Revoked), "complete events count");
        assert!(followed.revocations.check_ready().is_err());
        recovers(&followed);
    }
}

#[test]
fn bytes_that_are_not_an_event_are_skipped() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.server.next_request().accept();
    for garbage in [&b"\xff\xfe\xfd\n\n"[..], b"event: \xff\ndata: \xff\n\n", b"\0\0\n:::\n\n", b"\r\r\n\n\r"]
    {
        feed.send(garbage);
    }
    feed.event("keys", "{}");
    feed.event("weather", "rain");
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    feed.caught_up(0);
    followed.wait_until_revoked(&good());
    followed.wait("caught up", || followed.revocations.is_connected());
}

#[test]
fn an_unreadable_entry_does_not_affect_the_others() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.caught_up();
    let good_one =
        format!(r#"{{"kind":"session","subject":"{SESSION}","revoked_at":1,"expires_in":60,"more":[]}}"#);
    for bad in [
        r#"{"kind":"planet","subject":"mars","revoked_at":1,"expires_in":60}"#,
        r#"{"kind":"planet","subject":7}"#,
        r#"{"kind":"session","subject":"x","revoked_at":1,"expires_in":-60}"#,
        r#"{"kind":"session","subject":"x","revoked_at":-1,"expires_in":60}"#,
        r#"{"kind":"session","subject":"x","revoked_at":1e300,"expires_in":60}"#,
        r#"{"kind":"session","subject":"x","revoked_at":1,"expires_in":99999999999999999999}"#,
        r#"{"kind":"session","subject":"x","revoked_at":1}"#,
        r#"{"kind":"session","subject":null,"revoked_at":1,"expires_in":60}"#,
        "7",
        "null",
        "{}",
    ] {
        feed.event("revocations", &format!(r#"{{"entries":[{bad}]}}"#));
    }
    // The smallest and the largest lifetime.
    feed.event(
        "revocations",
        r#"{"entries":[{"kind":"session","subject":"x","revoked_at":1,"expires_in":0},{"kind":"session","subject":"y","revoked_at":1,"expires_in":18446744073709551615}]}"#,
    );
    feed.event("revocations", &format!(r#"{{"entries":[{{"kind":"planet"}},{good_one},7]}}"#));
    followed.wait_until_revoked(&good());
    assert_eq!(followed.revocations.len(), 2);
    assert!(followed.revocations.is_connected());
    assert_eq!(followed.log.times("skipped revocation entries of a kind that this version does not know"), 1);
    assert_eq!(followed.log.times("skipped unreadable revocation entries"), 1);
}

/// Sends `piece` until the follower disconnects, and returns how many megabytes it accepted.
fn flood(mut feed: Request, piece: &[u8]) -> usize {
    let megabyte = piece.repeat((1 << 20) / piece.len());
    (0..1_024).take_while(|_| feed.send(&megabyte)).count()
}

#[test]
fn an_endless_event_is_cut_off_after_one_megabyte() {
    for (begin, piece) in
        [("event: revocations\ndata: ", "x"), ("", "data: x\n"), (": ", "x"), ("event: ", "x")]
    {
        let followed = Followed::start(OnStale::Allow);
        let mut feed = followed.server.next_request().accept();
        let before = resident_kb();
        feed.send(begin.as_bytes());
        let accepted = flood(feed, piece.as_bytes());
        // Includes the buffers of the operating system.
        assert!(accepted < 64, "{accepted} MiB of {begin:?}{piece:?}");
        followed.wait_for_log("an event is longer than auth-server");
        let grown = resident_kb().saturating_sub(before);
        assert!(grown < 40_000, "{grown} kB more");
        recovers(&followed);
    }
}

#[test]
fn reconnections_to_a_server_that_closes_at_once_back_off() {
    let timeouts = FeedTimeouts { min_backoff: Duration::from_millis(100), ..FeedTimeouts::default() };
    let followed = Followed::start_with(OnStale::Allow, timeouts);
    let started = std::time::Instant::now();
    for _ in 0..5 {
        let mut feed = followed.server.next_request().accept();
        feed.caught_up(0);
    }
    // At least half of 100, 200, 400 and 800 ms.
    assert!(started.elapsed() >= Duration::from_millis(750), "{:?}", started.elapsed());
}
