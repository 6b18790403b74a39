//! The age of the revocation set when the feed is slow, silent, or read late.

use std::time::Duration;

use goptri::TokenError;
use goptri::revocation::{EntryKind, FeedTimeouts, OnStale};

use crate::feed_fixture::{Followed, QUICK};
use crate::revocation_set::SESSION;
use test_support::feed_server::entry;
use test_support::forge::{NOW, good};

fn seconds(followed: &Followed) -> u64 {
    followed.revocations.age().unwrap().as_secs()
}

#[test]
fn the_age_grows_without_data_and_a_heartbeat_resets_it() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.caught_up();
    followed.clock.advance(Duration::from_secs(15));
    assert!((15..18).contains(&seconds(&followed)));
    feed.heartbeat(0);
    followed.wait("fresh again", || seconds(&followed) < 15);
    assert_eq!(followed.rejection(&good()), None);
}

/// A server that has lost its database says so in `age_ms`.
#[test]
fn the_age_that_the_server_states_counts() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(50_000);
    followed.wait("caught up", || followed.revocations.is_connected());
    assert!((50..55).contains(&seconds(&followed)), "{}", seconds(&followed));
    assert_eq!(followed.rejection(&good()), None);
    followed.clock.advance(Duration::from_secs(11));
    feed.heartbeat(61_500);
    followed.wait_for_log("ON_STALE=refuse: no access token is accepted");
    assert_eq!(followed.rejection(&good()), Some(TokenError::Stale));
    feed.heartbeat(0);
    followed.wait("fresh again", || followed.rejection(&good()).is_none());
    followed.wait_for_log("the revocation set is fresh again");
}

/// As after a suspension of this process.
#[test]
fn time_in_a_buffer_counts_as_age() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.server.next_request().accept();
    feed.event("caught-up", r#"{"age_ms":0,"uptime_ms":100000}"#);
    followed.wait("caught up", || followed.revocations.is_connected());
    followed.clock.advance(Duration::from_secs(19));
    // Sent 5 s later, and read 19 s later.
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":105000}"#);
    feed.event("heartbeat", r#"{"age_ms":1000,"uptime_ms":110000}"#);
    followed.wait("both were read", || seconds(&followed) < 12);
    assert!(
        (9..12).contains(&seconds(&followed)),
        "9 s in the buffer, and 1 s stated: {}",
        seconds(&followed)
    );
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":119000}"#);
    followed.wait("fresh again", || seconds(&followed) < 3);
}

/// The first heartbeat of a stream calibrates the delay of what follows.
#[test]
fn a_late_caught_up_event_is_as_old_as_its_delay() {
    let followed = Followed::start(OnStale::Allow);
    let mut feed = followed.server.next_request().accept();
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":100000}"#);
    feed.revoke(vec![entry(EntryKind::Session, SESSION, NOW, 60)]);
    followed.wait_until_revoked(&good());
    assert_eq!((followed.revocations.age(), followed.revocations.is_connected()), (None, false));
    followed.clock.advance(Duration::from_secs(12));
    // Sent 1 s later, and read 12 s later.
    feed.event("caught-up", r#"{"age_ms":0,"uptime_ms":101000}"#);
    followed.wait("caught up", || followed.revocations.is_connected());
    assert!((10..16).contains(&seconds(&followed)), "11 s in the buffer: {}", seconds(&followed));
    feed.event("heartbeat", r#"{"age_ms":0,"uptime_ms":112000}"#);
    followed.wait("fresh again", || seconds(&followed) < 10);
}

#[test]
fn after_a_suspension_longer_than_the_timeout_buffered_data_is_discarded() {
    let followed = Followed::start(OnStale::Refuse);
    let mut feed = followed.caught_up();
    followed.clock.advance(Duration::from_hours(1));
    assert_eq!(
        followed.rejection(&good()),
        Some(TokenError::Stale),
        "immediately, not at the next maintenance"
    );
    feed.heartbeat(0);
    feed.wait_until_closed();
    assert!(seconds(&followed) >= 3_600);
    followed.wait_for_log("no data for 36");
    let _feed = followed.caught_up();
    assert_eq!(followed.rejection(&good()), None);
}

#[test]
fn a_server_that_hangs_at_any_point_is_disconnected_and_requested_again() {
    let short = Duration::from_millis(50);
    for (what, timeouts) in [
        ("before the headers", FeedTimeouts { response: short, ..QUICK }),
        ("before the first event", FeedTimeouts { first_event: short, ..QUICK }),
        ("within an event", FeedTimeouts { next_event: short, ..QUICK }),
    ] {
        let followed = Followed::start_with(OnStale::Allow, timeouts);
        let mut feed = followed.server.next_request();
        if what != "before the headers" {
            feed = feed.accept();
        }
        if what == "within an event" {
            feed.send(b"event: caught-up\ndata: {\"age_ms\":0,\"uptime_");
        }
        feed.wait_until_closed();
        followed.wait_for_log("no data for 0 s");
        let _again = followed.server.next_request();
        assert!(followed.revocations.check_ready().is_err(), "{what}");
    }
}
