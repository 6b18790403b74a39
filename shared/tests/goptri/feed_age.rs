//! How old what is known is, when the feed is slow, silent, or was not read for a while.

use std::time::Duration;

use goptri::TokenError;
use goptri::revocation::{EntryKind, FeedTimeouts, OnStale};

use crate::feed_server::end;
use crate::followed::{Followed, QUICK};
use crate::revoked::SESSION;
use test_support::forge::{NOW, good};

fn seconds(followed: &Followed) -> u64 {
    followed.revocations.age().unwrap().as_secs()
}

#[test]
fn age_grows_while_nothing_is_heard_and_ends_with_a_heartbeat() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.caught_up();
    followed.clock.advance(Duration::from_secs(15));
    assert!((15..18).contains(&seconds(&followed)));
    feed.heartbeat(0);
    followed.wait("it is fresh", || seconds(&followed) < 15);
    assert_eq!(followed.refusal(&good()), None);
}

/// A server that is cut off from its database says so, and cannot look fresh.
#[test]
fn the_age_that_the_server_tells_counts() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.server.next().accept();
    feed.caught_up(50_000);
    followed.wait("it has caught up", || followed.revocations.is_connected());
    assert!((50..55).contains(&seconds(&followed)), "{}", seconds(&followed));
    assert_eq!(followed.refusal(&good()), None);
    followed.clock.advance(Duration::from_secs(11));
    feed.heartbeat(61_500);
    followed.wait_for_log("ON_STALE=refuse: no access token is accepted");
    assert_eq!(followed.refusal(&good()), Some(TokenError::Stale));
    feed.heartbeat(0);
    followed.wait("it is fresh", || followed.refusal(&good()).is_none());
    followed.wait_for_log("the revocation set is fresh again");
}

/// Heartbeats that lay in a buffer, as while this process was stopped, are as old as they are.
#[test]
fn a_heartbeat_that_was_read_late_does_not_look_fresh() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.server.next().accept();
    feed.event("caught-up", r#"{"age_ms":0,"uptime_ms":100000}"#);
    followed.wait("it has caught up", || followed.revocations.is_connected());
    followed.clock.advance(Duration::from_secs(19));
    // Sent five seconds later, and read after nineteen.
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":105000}"#);
    feed.event("heartbeat", r#"{"age_ms":1000,"uptime_ms":110000}"#);
    followed.wait("both were read", || seconds(&followed) < 12);
    assert!((9..12).contains(&seconds(&followed)), "nine in the buffer, and one: {}", seconds(&followed));
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":119000}"#);
    followed.wait("it is fresh", || seconds(&followed) < 3);
}

/// By the beat with which a feed begins, which says nothing else: it does not know what the server knows.
#[test]
fn that_it_has_caught_up_may_lie_in_a_buffer_too() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.server.next().accept();
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":100000}"#);
    feed.revoke(vec![end(EntryKind::Session, SESSION, NOW, 60)]);
    followed.wait_until_revoked(&good());
    assert_eq!((followed.revocations.age(), followed.revocations.is_connected()), (None, false));
    followed.clock.advance(Duration::from_secs(12));
    // Sent a second later, and read after twelve.
    feed.event("caught-up", r#"{"age_ms":0,"uptime_ms":101000}"#);
    followed.wait("it has caught up", || followed.revocations.is_connected());
    assert!((10..16).contains(&seconds(&followed)), "eleven in the buffer: {}", seconds(&followed));
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":112000}"#);
    followed.wait("it is fresh", || seconds(&followed) < 10);
}

/// After a long stop, what is in the buffers is not even listened to.
#[test]
fn after_a_stop_that_was_longer_than_the_feed_may_be_silent_it_asks_anew() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.caught_up();
    followed.clock.advance(Duration::from_hours(1));
    assert_eq!(followed.refusal(&good()), Some(TokenError::Stale), "at once, and not when somebody notices");
    feed.heartbeat(0);
    feed.wait_until_closed();
    assert!(seconds(&followed) >= 3_600);
    followed.wait_for_log("no data for 36");
    let _feed = followed.caught_up();
    assert_eq!(followed.refusal(&good()), None);
}

/// A server that hangs at any point is left, and asked again.
#[test]
fn a_feed_that_falls_silent_is_left() {
    let short = Duration::from_millis(50);
    for (what, timeouts) in [
        ("in the head", FeedTimeouts { response: short, ..QUICK }),
        ("before the first event", FeedTimeouts { first_event: short, ..QUICK }),
        ("half-way through an event", FeedTimeouts { next_event: short, ..QUICK }),
    ] {
        let followed = Followed::start_at(OnStale::Allow, timeouts);
        let mut feed = followed.server.next();
        if what != "in the head" {
            feed = feed.accept();
        }
        if what == "half-way through an event" {
            feed.send(b"event: caught-up\ndata: {\"age_ms\":0,\"uptime_");
        }
        feed.wait_until_closed();
        followed.wait_for_log("no data for 0 s");
        let _again = followed.server.next();
        assert!(followed.revocations.ready().is_err(), "{what}");
    }
}
