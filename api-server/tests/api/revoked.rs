//! Revoked tokens are rejected, and readiness reports whether revocations are known.

use std::time::Duration;

use chrono::TimeDelta;
use goptri::revocation::EntryKind;

use crate::support::{SESSION, TIMEOUT, TestServer, sign};
use test_support::feed_server::{FeedServer, Request, entry};

/// A server that follows a feed of the test.
pub(crate) async fn follow(more: &[(&str, &str)]) -> (TestServer, FeedServer) {
    let feed = FeedServer::start();
    let url = feed.url();
    let variables = [&[("AUTH_SERVER_URL", url.as_str())], more].concat();
    (TestServer::start_with(tempfile::tempdir().unwrap(), &variables).await, feed)
}

pub(crate) async fn wait_for_status(server: &TestServer, path: &str, token: &str, status: u16) {
    let started = std::time::Instant::now();
    loop {
        let answer = server.get(path, token).await;
        if answer.status == status {
            return;
        }
        assert!(started.elapsed() < TIMEOUT, "{path} answers {} and not {status}", answer.status);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) async fn caught_up(server: &TestServer, feed: &FeedServer) -> Request {
    let mut asked = feed.next_request().accept();
    asked.caught_up(0);
    wait_for_status(server, "/readyz", "", 200).await;
    asked
}

/// RV-06
#[actix_web::test]
async fn tokens_of_a_revoked_session_are_rejected_and_others_are_not() {
    let (server, feed) = follow(&[]).await;
    let mut feed = caught_up(&server, &feed).await;
    let (mine, client) = (server.user("0193b3a4-0000-7000-8000-000000000001"), server.client("reports"));
    assert_eq!(server.get("/photos", &mine).await.status, 200);
    feed.revoke(vec![entry(EntryKind::Session, SESSION, 0, 60)]);
    wait_for_status(&server, "/photos", &mine, 401).await;
    assert_eq!(server.get("/me", &mine).await.error(), (401, "invalid_token"));
    assert_eq!(server.get("/currentuser", &mine).await.body["currentUser"], serde_json::Value::Null);
    assert_eq!(server.get("/me", &client).await.status, 200);
}

/// RV-07
#[actix_web::test]
async fn until_the_feed_arrives_valid_tokens_get_503_and_after_a_minute_on_stale_decides() {
    for (on_stale, later) in [("allow", 200), ("refuse", 503)] {
        let (server, feed) = follow(&[("ON_STALE", on_stale)]).await;
        let token = sign(&server.claims());
        let waits = server.get("/readyz", "").await;
        assert_eq!(waits.error(), (503, "temporarily_unavailable"));
        let sentence = waits.body["error_description"].as_str().unwrap();
        assert!(sentence.contains("waits for the revocation feed"), "{sentence}");
        assert_eq!(server.get("/healthz", "").await.status, 200);
        let waits = server.get("/me", &token).await;
        assert_eq!(waits.error(), (503, "temporarily_unavailable"), "{on_stale}");
        assert!(waits.header("retry-after").is_some(), "{on_stale}");
        assert_eq!(server.get("/me", "forged").await.status, 401, "{on_stale}");
        server.monotonic.advance(Duration::from_secs(61));
        for path in ["/me", "/readyz"] {
            assert_eq!(server.get(path, &token).await.status, later, "{path}, {on_stale}");
        }
        let _feed = caught_up(&server, &feed).await;
        assert_eq!(server.get("/me", &token).await.status, 200);
    }
}

/// RV-07
async fn a_stale_feed_decides_until_it_is_back(on_stale: &str, status: u16) {
    let (server, feed) = follow(&[("ON_STALE", on_stale), ("REVOCATION_MAX_STALENESS", "2m")]).await;
    let token = sign(&server.claims());
    drop(caught_up(&server, &feed).await);
    server.monotonic.advance(Duration::from_secs(115));
    assert_eq!(server.get("/me", &token).await.status, 200);
    server.monotonic.advance(Duration::from_secs(6));
    let cut_off = server.get("/me", &token).await;
    assert_eq!(cut_off.status, status, "{on_stale}");
    assert_eq!(cut_off.header("retry-after").is_none(), status == 200);
    assert_eq!(server.get("/readyz", "").await.status, status);
    assert_eq!(server.get("/healthz", "").await.status, 200);
    let _feed = caught_up(&server, &feed).await;
    assert_eq!(server.get("/me", &token).await.status, 200);
}

#[actix_web::test]
async fn with_a_stale_feed_allow_accepts_tokens() {
    a_stale_feed_decides_until_it_is_back("allow", 200).await;
}

#[actix_web::test]
async fn with_a_stale_feed_refuse_answers_503_until_the_feed_is_back() {
    a_stale_feed_decides_until_it_is_back("refuse", 503).await;
}

/// Entries expire by elapsed time, whatever the two servers' clocks show.
#[actix_web::test]
async fn a_clock_that_is_an_hour_off_does_not_change_when_an_entry_expires() {
    for hours in [-1, 1] {
        let (server, feed) = follow(&[]).await;
        server.clock.advance(TimeDelta::hours(hours));
        let mut feed = caught_up(&server, &feed).await;
        let token = sign(&server.claims());
        feed.revoke(vec![entry(EntryKind::Session, SESSION, 0, 7_500)]);
        wait_for_status(&server, "/me", &token, 401).await;
        server.monotonic.advance(Duration::from_secs(7_499 - 60));
        assert_eq!(server.get("/me", &token).await.status, 401, "{hours} h");
        server.monotonic.advance(Duration::from_secs(63));
        assert_eq!(server.get("/me", &token).await.status, 200, "{hours} h");
    }
}
