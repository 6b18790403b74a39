//! The link between auth-server and api-server fails during sign-outs: api-server reports that it is stale, and receives the
//! missed entries when the link works again.

use std::time::{Duration, Instant};

use test_support::{Link, Proxy};

use super::fleet::{client, metric, ready_api, recorded, sign_in, sign_out, status, wait_for};
use crate::programs::{Database, Server, TIMEOUT, auth_server};

/// The duration of the failure: more than `REVOCATION_MAX_STALENESS` of the strict api-server.
const CUT: Duration = Duration::from_secs(10);

/// RV-06, RV-07
async fn misses_entries_while_the_link_is(cut: Link, database: Database) {
    let signed_in = sign_in(&database.url(), 40).await;
    let auth = Server::start(auth_server(&database.url()));
    let proxy = Proxy::before(&auth.url);
    let mut lenient = ready_api(&proxy.url(), |_| {}).await;
    let strict = ready_api(&proxy.url(), |command| {
        command.env("ON_STALE", "refuse").env("REVOCATION_MAX_STALENESS", "7s");
    })
    .await;
    let client = client();
    let stays = &signed_in[39].access;

    proxy.set(cut);
    let began = Instant::now();
    for session in &signed_in[..20] {
        assert_eq!(sign_out(&client, &auth.url, &session.access).await, 204);
    }
    let age_before = metric(&mut lenient, "goptri_feed_age_seconds").await;
    wait_for(&client, &strict, "/me", stays, 503).await;
    wait_for(&client, &strict, "/readyz", "", 503).await;
    assert_eq!(status(&client, &lenient.url, "/me", stays).await, 200, "it goes on with what it knows");
    while began.elapsed() < CUT {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let age = metric(&mut lenient, "goptri_feed_age_seconds").await;
    assert!(age > age_before && age > 5.0, "the age grows: {age_before} s, then {age} s");
    for session in &signed_in[20..39] {
        assert_eq!(sign_out(&client, &auth.url, &session.access).await, 204);
    }

    proxy.set(Link::Up);
    let healed = Instant::now();
    for (api, what) in [(&lenient, "allow"), (&strict, "refuse")] {
        for session in &signed_in[..39] {
            wait_for(&client, api, "/me", &session.access, 401).await;
        }
        wait_for(&client, api, "/me", stays, 200).await;
        println!(
            "{cut:?}, ON_STALE={what}: everything missed was applied {:.1?} after healing",
            healed.elapsed()
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let recorded = recorded(&auth.url).await as f64;
    while (metric(&mut lenient, "goptri_feed_entries").await - recorded).abs() > 0.1 {
        assert!(healed.elapsed() < TIMEOUT, "the set is not the database's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_lost_in_a_black_hole_arrive_when_it_ends() {
    misses_entries_while_the_link_is(Link::BlackHole, Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_missed_without_a_connection_arrive_after_reconnecting() {
    misses_entries_while_the_link_is(Link::Down, Database::postgres().await).await;
}

/// A delay loses nothing, and delayed data does not count as current.
#[tokio::test(flavor = "multi_thread")]
async fn delayed_entries_arrive() {
    let database = Database::sqlite();
    let signed_in = sign_in(&database.url(), 5).await;
    let auth = Server::start(auth_server(&database.url()));
    let proxy = Proxy::before(&auth.url);
    let api = ready_api(&proxy.url(), |_| {}).await;
    proxy.set(Link::Slow);
    for session in &signed_in {
        assert_eq!(sign_out(&client(), &auth.url, &session.access).await, 204);
    }
    for session in &signed_in {
        wait_for(&client(), &api, "/me", &session.access, 401).await;
    }
}

/// A stopped process receives nothing; old heartbeats in its buffers do not make it current.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_continues_after_sigstop_receives_missed_entries() {
    let database = Database::sqlite();
    let signed_in = sign_in(&database.url(), 2).await;
    let auth = Server::start(auth_server(&database.url()));
    let proxy = Proxy::before(&auth.url);
    let api = ready_api(&proxy.url(), |command| {
        command.env("ON_STALE", "refuse").env("REVOCATION_MAX_STALENESS", "6s");
    })
    .await;
    let client = client();
    // Some heartbeats are in its buffers when the link fails.
    api.running.signal("STOP");
    tokio::time::sleep(Duration::from_secs(6)).await;
    proxy.set(Link::BlackHole);
    assert_eq!(sign_out(&client, &auth.url, &signed_in[0].access).await, 204);
    tokio::time::sleep(Duration::from_secs(7)).await;
    api.running.signal("CONT");
    for session in &signed_in {
        assert_eq!(
            status(&client, &api.url, "/me", &session.access).await,
            503,
            "it knows that it does not know"
        );
    }
    proxy.set(Link::Up);
    wait_for(&client, &api, "/me", &signed_in[0].access, 401).await;
    wait_for(&client, &api, "/me", &signed_in[1].access, 200).await;
}
