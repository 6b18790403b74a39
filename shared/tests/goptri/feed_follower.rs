//! Following a correct feed: its entries take effect, and earlier entries stay.

use std::fs;
use std::time::Duration;

use goptri::clock::{Clock, SystemClock};
use goptri::revocation::{EntryKind, OnStale};
use goptri::{Environment, Guard, TokenError};

use crate::feed_fixture::{FEED_SECRET, Followed};
use crate::revocation_set::{SESSION, TOKEN, of_a_client};
use test_support::feed_server::{FeedServer, entry};
use test_support::forge::{AUDIENCE, ISSUER, NOW, SECRET, claims, good, with, with_claims};

/// RV-12
#[test]
fn the_request_asks_for_a_stream_with_the_secret() {
    let followed = Followed::start(OnStale::Allow);
    let asked = followed.server.next_request();
    let head = asked.head.to_ascii_lowercase();
    assert!(head.starts_with("get /revocations http/1.1\r\n"), "{head}");
    for header in ["accept: text/event-stream", &format!("authorization: bearer {FEED_SECRET}")] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
    }
}

#[test]
fn revoked_sessions_tokens_and_clients_are_rejected_at_once() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.caught_up();
    let twin = with_claims(&with(claims(), "jti", "another"));
    let tokens = [good(), twin, of_a_client("reports", NOW), of_a_client("reports", NOW + 1)];
    for token in &tokens {
        assert_eq!(followed.rejection(token), None);
    }
    feed.revoke(vec![entry(EntryKind::Token, TOKEN, NOW, 60), entry(EntryKind::Client, "reports", NOW, 60)]);
    for token in [&tokens[0], &tokens[2]] {
        followed.wait_until_revoked(token);
    }
    assert_eq!([followed.rejection(&tokens[1])], [None]);
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    followed.wait_until_revoked(&tokens[1]);
    assert_eq!(followed.revocations.len(), 3);
}

/// RV-07
#[test]
fn the_set_is_ready_once_it_has_caught_up() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.server.next_request().accept();
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    // Before `caught-up`, a heartbeat says nothing about completeness.
    feed.heartbeat(0);
    followed.wait_until_revoked(&good());
    let other = with_claims(&with(with(claims(), "sid", "another"), "jti", "another"));
    assert!(followed.revocations.check_ready().is_err() && !followed.revocations.is_connected());
    assert_eq!(
        (followed.revocations.age(), followed.rejection(&other)),
        (None, Some(TokenError::NotCaughtUp))
    );
    feed.caught_up(300);
    followed.wait("ready", || followed.revocations.check_ready().is_ok());
    assert_eq!(followed.rejection(&other), None);
    let age = followed.revocations.age().unwrap();
    assert!(age >= Duration::from_millis(300) && age < Duration::from_secs(30), "{age:?}");
    followed.wait_for_log("connected to the revocation feed");
}

/// RV-06
#[test]
fn reconnecting_keeps_all_entries_and_adds_the_missed_ones() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.caught_up();
    let twin = with_claims(&with(with(claims(), "sid", "missed"), "jti", "another"));
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    followed.wait_until_revoked(&good());
    drop(feed);
    followed.wait("disconnected", || !followed.revocations.is_connected());
    assert_eq!(followed.rejection(&good()), Some(TokenError::Revoked));
    let mut feed = followed.server.next_request().accept();
    feed.revoke(vec![entry(EntryKind::Session, "missed", NOW, 60)]);
    followed.wait_until_revoked(&twin);
    feed.caught_up(0);
    followed.wait_for_log("reconnected to the revocation feed");
    assert_eq!(followed.rejection(&good()), Some(TokenError::Revoked), "although it was not sent again");
    assert_eq!(followed.log.times("disconnected from the revocation feed"), 1, "{}", followed.log.text());
}

#[test]
fn an_outage_is_logged_once_when_it_begins_and_once_when_it_ends() {
    let followed = Followed::start(OnStale::Allow);
    drop(followed.caught_up());
    for _ in 0..10 {
        drop(followed.server.next_request());
    }
    drop(followed.server.next_request().accept());
    let _feed = followed.caught_up();
    followed.wait_for_log("reconnected to the revocation feed");
    let log = followed.log.text();
    // One line for the ended stream, and one for the unanswered requests.
    assert_eq!(followed.log.times("disconnected from the revocation feed"), 2, "{log}");
    assert!(log.contains("after_seconds=") && !log.contains(FEED_SECRET), "{log}");
}

#[test]
fn expired_entries_are_swept_in_the_background() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.caught_up();
    let ids = (0..500_u64)
        .map(|number| entry(EntryKind::Token, &format!("{number:032x}"), NOW, 60 + number % 2 * 600));
    feed.revoke(ids.collect());
    followed.wait("all were added", || followed.revocations.len() == 500);
    followed.clock.advance(Duration::from_secs(62));
    followed.wait("half of them were swept", || followed.revocations.len() == 250);
    followed.clock.advance(Duration::from_mins(10));
    followed.wait("all were swept", || followed.revocations.is_empty());
}

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "goptri-feed").count()
}

/// Counts threads only with one test per process.
#[test]
fn dropping_the_follower_ends_its_thread_and_closes_the_connection() {
    let mut followed = Followed::start(OnStale::Allow);
    let feed = followed.caught_up();
    followed.stop();
    feed.wait_until_closed();
    followed.wait("marked as disconnected", || !followed.revocations.is_connected());
    if std::env::args().any(|argument| argument == "--exact") {
        followed.wait("the thread has ended", || threads() == 0);
    }
}

#[test]
fn a_guard_follows_the_feed_until_its_last_clone_is_dropped() {
    let server = FeedServer::start();
    let environment = |more: &[(&str, &str)]| {
        let common = [("ACCESS_TOKEN_SECRET", SECRET), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)];
        Environment::from_pairs([&common, more].concat())
    };
    let url = server.url();
    let guard = Guard::from_environment_with_feed(&environment(&[
        ("FEED_SECRET", FEED_SECRET),
        ("AUTH_SERVER_URL", &url),
    ]))
    .unwrap();
    let mut feed = server.next_request().accept();
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    feed.caught_up(0);
    let started = std::time::Instant::now();
    while guard.revocations().unwrap().check_ready().is_err() {
        assert!(started.elapsed() < test_support::TIMEOUT);
        std::thread::yield_now();
    }
    let now = SystemClock.now().timestamp();
    let token = with_claims(&with(with(claims(), "iat", now), "exp", now + 900));
    assert_eq!(guard.verify(&token).err(), Some(TokenError::Revoked));
    let clone = guard.clone();
    drop(guard);
    assert!(feed.heartbeat(0));
    assert_eq!(clone.verify(&token).err(), Some(TokenError::Revoked));
    drop(clone);
    feed.wait_until_closed();

    assert!(Guard::from_environment_with_feed(&environment(&[])).unwrap().revocations().is_none());
    let errors = Guard::from_environment_with_feed(&environment(&[("FEED_SECRET", "x"), ("ON_STALE", "x")]))
        .unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
}
