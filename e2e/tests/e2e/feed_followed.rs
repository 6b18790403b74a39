//! The real api-server and the example service, with a feed that the test controls.

use std::time::{Duration, Instant};

use goptri::revocation::{EntryKind, MAX_ENTRIES_PER_EVENT};
use reqwest::Client;

use crate::programs::{
    ACCESS_TOKEN_SECRET, Database, FEED_SECRET, Running, Server, TIMEOUT, api_server_that_follows,
    auth_server, free_address, program,
};
use test_support::feed_server::{FeedServer, Request, entry};

async fn status(server: &Server, path: &str, token: &str) -> u16 {
    server.get(path, token).await.status().as_u16()
}

async fn wait_for_status(server: &Server, path: &str, token: &str, expected: u16) {
    let started = Instant::now();
    while status(server, path, token).await != expected {
        assert!(
            started.elapsed() < TIMEOUT,
            "{path} does not answer {expected}:\n{}",
            server.running.output()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// api-server with a feed that has caught up. The feed lasts until the second value is dropped.
pub(crate) fn ready_api_server() -> (Server, Request) {
    let feed = FeedServer::start();
    let mut api = Server::start(api_server_that_follows(&feed.url()));
    let asked = caught_up(&feed);
    api.running.wait_for("connected to the revocation feed");
    (api, asked)
}

fn caught_up(feed: &FeedServer) -> Request {
    let mut asked = feed.next_request().accept();
    asked.caught_up(0);
    asked
}

/// An access token of Ann, and its `sid`.
async fn token() -> (String, String) {
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
    let (access, _) = auth.sign_in().await;
    let api = Server::start(api_server_that_follows(&auth.url));
    wait_for_status(&api, "/readyz", "", 200).await;
    let me: serde_json::Value = api.get("/me", &access).await.json().await.unwrap();
    (access, me["sid"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_million_entries_take_less_than_120_megabytes() {
    let (access, sid) = token().await;
    let feed = FeedServer::start();
    let api = Server::start(api_server_that_follows(&feed.url()));
    let mut feed = feed.next_request().accept();
    let began = Instant::now();
    let mut entries = (0..1_000_000_u64).map(|number| {
        let id = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number);
        let (kind, subject) = match number % 2 {
            0 => (EntryKind::Session, uuid::Uuid::from_u128(id).to_string()),
            _ => (EntryKind::Token, format!("{id:032x}")),
        };
        entry(kind, &subject, 1_800_000_000, 7_500)
    });
    loop {
        let batch: Vec<_> = entries.by_ref().take(MAX_ENTRIES_PER_EVENT).collect();
        if batch.is_empty() {
            break;
        }
        assert!(feed.revoke(batch));
    }
    feed.revoke(vec![entry(EntryKind::Session, &sid, 1_800_000_000, 7_500)]);
    feed.caught_up(0);
    wait_for_status(&api, "/readyz", "", 200).await;
    let took = began.elapsed();
    assert_eq!(status(&api, "/me", &access).await, 401);
    assert!(api.running.output().contains("entries=1000001"), "{}", api.running.output());
    let [now, most] = ["VmRSS", "VmHWM"].map(|name| api.running.status(name));
    println!("{now} kB, at most {most} kB, after {took:?}");
    assert!(most < 120_000, "{most} kB");
}

/// RV-07: a stopped process receives nothing, and data buffered meanwhile does not make it current.
#[tokio::test]
async fn after_sigstop_api_server_notices_that_it_is_stale_and_recovers() {
    let (access, _) = token().await;
    let feed = FeedServer::start();
    let mut command = api_server_that_follows(&feed.url());
    command.env("ON_STALE", "refuse").env("REVOCATION_MAX_STALENESS", "6s");
    let mut api = Server::start(command);
    let mut asked = caught_up(&feed);
    wait_for_status(&api, "/me", &access, 200).await;
    api.running.signal("STOP");
    // Sent while the process is stopped, and read when it continues.
    asked.heartbeat(0);
    std::thread::sleep(Duration::from_secs(7));
    api.running.signal("CONT");
    assert_eq!(status(&api, "/me", &access).await, 503, "{}", api.running.output());
    assert_eq!(status(&api, "/readyz", &access).await, 503);
    api.running.wait_for("ON_STALE=refuse: no access token is accepted");
    asked.heartbeat(0);
    wait_for_status(&api, "/me", &access, 200).await;
}

#[tokio::test]
async fn with_a_wrong_feed_secret_valid_tokens_get_503_and_the_log_names_the_setting() {
    let (access, _) = token().await;
    let feed = FeedServer::start();
    let mut api = Server::start(api_server_that_follows(&feed.url()));
    feed.next_request().answer(
        "401 Unauthorized",
        "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
        "{}",
    );
    api.running.wait_for("the first secret in FEED_SECRET here must be one of those in auth-server's");
    assert!(!api.running.output().contains(FEED_SECRET));
    assert_eq!((status(&api, "/me", &access).await, status(&api, "/readyz", "").await), (503, 503));
    let _feed = caught_up(&feed);
    wait_for_status(&api, "/readyz", "", 200).await;
    assert_eq!(status(&api, "/me", &access).await, 200);
}

#[tokio::test]
async fn the_example_service_rejects_tokens_of_ended_sessions() {
    let (access, sid) = token().await;
    let (feed, address) = (FeedServer::start(), free_address());
    let mut command = program("actix-service-example");
    command
        .env("ADDR", &address)
        .env("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
        .env("FEED_SECRET", FEED_SECRET)
        .env("AUTH_SERVER_URL", feed.url());
    let _service = Running::start(command);
    let mut feed = caught_up(&feed);
    let (client, url, started) = (Client::new(), format!("http://{address}/hello"), Instant::now());
    for (expected, ends) in [(200, true), (401, false)] {
        while client.get(&url).bearer_auth(&access).send().await.map_or(0, |answer| answer.status().as_u16())
            != expected
        {
            assert!(started.elapsed() < TIMEOUT, "it does not answer {expected}");
        }
        if ends {
            feed.revoke(vec![entry(EntryKind::Session, &sid, 1_800_000_000, 60)]);
        }
    }
}
