//! Replays the recorded example of docs/feed.md, so that the page describes the feed as the follower reads it.

use std::sync::Arc;
use std::time::Duration;

use goptri::TokenError;
use goptri::revocation::{Entry, EntryKind, FeedPage, ManualMonotonicClock, RevocationSet, StalenessPolicy};
use serde_json::json;

use crate::feed_fixture::FEED_SECRET;
use crate::jwks_fixture::{FollowedKeys, ON_TRIGGER};
use test_support::feed_server::FeedServer;
use test_support::forge::{NOW, SECRET, claims, with, with_claims};

const DOCUMENT: &str = include_str!("../../../docs/feed.md");

/// The revocations of the example.
const ENTRIES: [(EntryKind, &str); 3] = [
    (EntryKind::Session, "01a226e7-dad7-7b93-9c3e-a53e8a12b277"),
    (EntryKind::Session, "01a226e7-daee-75bc-a1d8-c20306cc9877"),
    (EntryKind::Token, "30a68cd6d2a075b57fc91dcd23288183"),
];

/// The fenced block after the marker.
fn recorded(what: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("<!-- recorded: {what} -->\n```")).unwrap();
    let (_, block) = rest.split_once('\n').unwrap();
    block.split_once("```").unwrap().0
}

/// The events of the stream. Markdown drops the empty line after the last one.
fn events() -> Vec<&'static str> {
    recorded("stream").trim_end().split("\n\n").collect()
}

/// A token that only `entry` revokes.
fn token_of((kind, subject): (EntryKind, &str)) -> String {
    let member = if kind == EntryKind::Session { "sid" } else { "jti" };
    with_claims(&with(claims(), member, json!(subject)))
}

/// The `uptime_ms` of an event that has one.
fn uptime(event: &str) -> Option<u64> {
    let (_, rest) = event.split_once("\"uptime_ms\":")?;
    rest.trim_end_matches('}').parse().ok()
}

fn subjects(entries: &[Entry]) -> Vec<(EntryKind, &str)> {
    entries.iter().map(|entry| (entry.kind, entry.subject.as_str())).collect()
}

/// The recorded intervals pass on the clock of the set, so that nothing but real time adds to the age.
#[test]
fn the_recorded_stream_is_followed_as_documented() {
    let secrets = [("ACCESS_TOKEN_SECRET", SECRET), ("FEED_SECRET", FEED_SECRET)];
    let followed = FollowedKeys::start(FeedServer::start(), ON_TRIGGER, &secrets);
    let revocations = followed.guard.revocations().unwrap();
    followed.wait("the keys were fetched at start", || followed.server.keys_requests() == 1);
    let mut feed = followed.server.next_request().accept();
    let mut uptime_before = None;
    for event in events() {
        if let Some(uptime) = uptime(event) {
            followed.clock.advance(Duration::from_millis(uptime - uptime_before.unwrap_or(uptime)));
            uptime_before = Some(uptime);
        }
        feed.send(format!("{event}\n\n").as_bytes());
        if event.starts_with("event: caught-up") {
            followed.wait("caught up", || revocations.is_connected());
            followed.wait("keys fetched again", || followed.server.keys_requests() == 2);
        } else if event.starts_with("event: keys") {
            followed.wait("keys fetched after the event", || followed.server.keys_requests() == 3);
        } else if !revocations.is_connected() {
            assert_eq!(revocations.age(), None, "the age is unknown until `caught-up`");
        }
    }
    for entry in ENTRIES {
        let refused = || followed.guard.verify(&token_of(entry)).err() == Some(TokenError::Revoked);
        followed.wait("its token is rejected", refused);
    }
    assert!(followed.guard.verify(&with_claims(&claims())).is_ok());
    assert_eq!(revocations.len(), ENTRIES.len());

    // Fresh after the last heartbeat. The same event twelve seconds later was delayed by twelve seconds.
    let age = || revocations.age().unwrap();
    followed.wait("the last heartbeat was read", || age() < Duration::from_secs(4));
    followed.clock.advance(Duration::from_secs(12));
    let last = events().pop().unwrap();
    feed.send(format!("{last}\n\nevent: revocations\ndata: {}\n\n", one_more()).as_bytes());
    followed.wait("both events were read", || revocations.len() == ENTRIES.len() + 1);
    assert!(age() >= Duration::from_secs(12), "{:?}", age());
}

fn one_more() -> String {
    json!({ "entries": [{ "kind": "token", "subject": "more", "revoked_at": NOW, "expires_in": 60 }] })
        .to_string()
}

#[test]
fn the_recorded_page_has_the_entries_of_the_recorded_stream() {
    let page: FeedPage = serde_json::from_str(recorded("page")).unwrap();
    assert_eq!(subjects(&page.entries), ENTRIES);
    assert!(page.entries.iter().all(|entry| (7_480..7_500).contains(&entry.expires_in)));
    assert_eq!(page.next, "19360c670a0c15cd4e91870a29e70fdf_3");
    assert_eq!(page.as_of.to_rfc3339(), "2026-11-29T10:44:31.119184+00:00");
    let set = RevocationSet::new(StalenessPolicy::default(), Arc::new(ManualMonotonicClock::default()));
    for entry in &page.entries {
        set.insert(entry).unwrap();
    }
    assert_eq!(set.len(), ENTRIES.len());
}

/// Every event name and member of the example is one that the page specifies, and the other way round.
#[test]
fn the_recorded_stream_has_every_event_that_is_specified() {
    let mut names: Vec<_> =
        events().iter().map(|event| event.lines().next().unwrap().strip_prefix("event: ").unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["caught-up", "heartbeat", "keys", "revocations"]);
    for name in names {
        assert!(DOCUMENT.contains(&format!("| `{name}` | `{{")), "{name} is not in the table of events");
    }
}
