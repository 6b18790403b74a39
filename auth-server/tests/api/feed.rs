//! `GET /revocations`: the revocation feed.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_store::Revocations;
use chrono::{DateTime, TimeDelta, Utc};
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream, StreamExt};
use goptri::clock::Clock;
use goptri::revocation::{Batch, Entry, EntryKind, FeedPage, Heartbeat};
use goptri::token::UnverifiedJws;
use reqwest::Method;
use serde_json::{Value, json};
use store_postgres::PostgresStore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{
    Answer, Engine, FEED_SECRET, POSTGRES_CONNECTIONS, TIMEOUT, TestServer, on_both_engines,
};

/// RV-06: an api-server that restarts reads exactly this. On Postgres the database's clock counts.
#[actix_web::test]
async fn a_sign_out_while_the_clock_is_set_back_is_in_the_feed_when_it_is_right_again() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (_, refresh) = server.signed_in().await;
    let access = server.login().await.field("access_token");
    server.later(TimeDelta::hours(-3));
    assert_eq!(server.logout(&json!({ "refresh_token": refresh })).await.status, 204);
    assert_eq!(server.delete("/logout", &access).await.status, 204);
    server.later(TimeDelta::hours(3));
    server.store.sweep_revocations(100).await.unwrap();
    let page: FeedPage =
        serde_json::from_str(&server.get("/revocations", Some(FEED_SECRET)).await.text).unwrap();
    let subjects: BTreeSet<String> = page.entries.iter().map(|entry| entry.subject.clone()).collect();
    for token in [&refresh, &access] {
        let payload = UnverifiedJws::parse(token).unwrap().payload_json().unwrap();
        let claims: Value = serde_json::from_str(&payload).unwrap();
        let session = claims["sid"].as_str().unwrap();
        assert!(subjects.contains(session), "{session} is not in the feed: {subjects:?}");
    }
    assert!(page.entries.iter().all(|entry| entry.expires_in > 7_400), "{page:?}");
}

/// The events of the feed, as the independent parser of `eventsource-stream` reads them.
pub(crate) struct Events(BoxStream<'static, Result<Event, EventStreamError<reqwest::Error>>>);

impl Events {
    pub(crate) async fn of(server: &TestServer) -> Self {
        let request = server.request(Method::GET, "/revocations").bearer_auth(FEED_SECRET);
        let response = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let chunks = stream::try_unfold(response, async |mut response| {
            Ok(response.chunk().await?.map(|chunk| (chunk, response)))
        });
        Self(chunks.eventsource().boxed())
    }

    /// The next event: its name and its data. `None`: the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        let event = timeout(TIMEOUT, self.0.next()).await.expect("an event arrives")?.unwrap();
        assert_eq!((event.id.as_str(), event.retry), ("", None), "the feed sends neither id nor retry");
        Some((event.event, event.data))
    }

    /// The data of the next event with this name.
    pub(crate) async fn next_named(&mut self, wanted: &str) -> String {
        loop {
            let (name, data) = self.next().await.expect("the stream goes on");
            if name == wanted {
                return data;
            }
        }
    }

    /// All entries up to `caught-up`, and its data.
    pub(crate) async fn caught_up(&mut self) -> (Vec<Entry>, Heartbeat) {
        let mut entries = Vec::new();
        loop {
            match self.next().await.expect("the stream goes on") {
                (name, data) if name == "caught-up" => {
                    return (entries, serde_json::from_str(&data).unwrap());
                }
                (name, _) if name == "heartbeat" => {}
                (name, data) => {
                    assert_eq!(name, "revocations");
                    entries.extend(serde_json::from_str::<Batch>(&data).unwrap().entries);
                }
            }
        }
    }

    /// Reads until all these entries have arrived.
    async fn until_received(&mut self, mut subjects: BTreeSet<String>) {
        while !subjects.is_empty() {
            let (name, data) = self.next().await.expect("the stream goes on");
            if name == "revocations" {
                for entry in serde_json::from_str::<Batch>(&data).unwrap().entries {
                    subjects.remove(&entry.subject);
                }
            }
        }
    }
}

async fn page(server: &TestServer, query: &str) -> FeedPage {
    let answer = ask(server, query, FEED_SECRET).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

async fn ask(server: &TestServer, query: &str, secret: &str) -> Answer {
    server.send(server.request(Method::GET, &format!("/revocations{query}")).bearer_auth(secret)).await
}

async fn ids(server: &TestServer, access: &str) -> BTreeSet<String> {
    let sessions = server.get("/sessions", Some(access)).await.body;
    let sessions = sessions["sessions"].as_array().unwrap().clone();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

fn subjects(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry.subject.clone()).collect()
}

on_both_engines! {
    /// RV-06
    async fn a_subscriber_gets_all_live_entries_and_then_each_new_one(server) {
        let (access, refresh) = server.signed_in().await;
        let first = ids(&server, &access).await;
        assert_eq!(server.logout(&json!({ "refresh_token": refresh })).await.status, 204);
        let mut events = Events::of(&server).await;
        let (entries, beat) = events.caught_up().await;
        let entry = &entries[0];
        assert_eq!((entry.kind, subjects(&entries)), (EntryKind::Session, first.clone()));
        assert!((7_400..=7_500).contains(&entry.expires_in), "{}", entry.expires_in);
        let about_now = (server.clock.now().timestamp() - entry.revoked_at.seconds()).abs() < 300;
        assert!(about_now && beat.age_ms < 60_000, "{entry:?} {beat:?}");

        let access = server.login().await.field("access_token");
        server.login().await;
        let both = ids(&server, &access).await;
        assert_eq!(both.len(), 2);
        assert_eq!(server.delete("/logout?everywhere=true", &access).await.status, 204);
        events.until_received(both.clone()).await;
        server.store.revoke_token(None, "5f2a9c4be1d078365f2a9c4be1d07836").await.unwrap();
        events.until_received(["5f2a9c4be1d078365f2a9c4be1d07836".to_owned()].into()).await;

        let (entries, _) = Events::of(&server).await.caught_up().await;
        let all = first.into_iter().chain(both).chain(["5f2a9c4be1d078365f2a9c4be1d07836".to_owned()]).collect();
        assert_eq!(subjects(&entries), all);
    }

    async fn a_stream_begins_with_a_heartbeat(server) {
        server.store.revoke_token(None, "told").await.unwrap();
        let mut events = Events::of(&server).await;
        let (name, data) = events.next().await.unwrap();
        let first: Heartbeat = serde_json::from_str(&data).unwrap();
        let (entries, caught_up) = events.caught_up().await;
        assert_eq!((name.as_str(), subjects(&entries)), ("heartbeat", ["told".to_owned()].into()));
        assert!(first.uptime_ms <= caught_up.uptime_ms && first.age_ms <= first.uptime_ms);
    }

    async fn expired_entries_are_not_sent(server) {
        server.store.revoke_token(None, "old").await.unwrap();
        server.later(TimeDelta::minutes(124));
        server.store.revoke_token(None, "young").await.unwrap();
        let (entries, _) = Events::of(&server).await.caught_up().await;
        let left: BTreeSet<_> = entries.iter().map(|entry| (entry.subject.as_str(), entry.expires_in <= 60)).collect();
        assert_eq!(left, [("old", true), ("young", false)].into());
        server.later(TimeDelta::minutes(2));
        let (entries, _) = Events::of(&server).await.caught_up().await;
        assert_eq!(subjects(&entries), ["young".to_owned()].into());
    }

    async fn a_subscriber_that_joins_while_sessions_end_misses_none(server) {
        for number in 0..1_200 {
            server.store.revoke_token(None, &format!("before {number}")).await.unwrap();
        }
        let ending = async {
            for number in 0..300 {
                server.store.revoke_token(None, &format!("meanwhile {number}")).await.unwrap();
            }
        };
        let following = async {
            let mut all: BTreeSet<String> = (0..1_200).map(|number| format!("before {number}")).collect();
            all.extend((0..300).map(|number| format!("meanwhile {number}")));
            let mut events = Events::of(&server).await;
            let (entries, _) = events.caught_up().await;
            events.until_received(&all - &subjects(&entries)).await;
        };
        futures_util::future::join(ending, following).await;
    }

    async fn pages_continue_where_the_previous_one_stopped(server) {
        for number in 0..1_100 {
            server.store.revoke_token(None, &number.to_string()).await.unwrap();
        }
        let first = page(&server, "").await;
        let second = page(&server, &format!("?after={}", first.next)).await;
        assert_eq!((first.entries.len(), second.entries.len()), (1_000, 100));
        assert_eq!(subjects(&[first.entries, second.entries].concat()).len(), 1_100);
        server.store.revoke_token(None, "later").await.unwrap();
        let mut third = page(&server, &format!("?after={}", second.next)).await;
        // Pages of a distributed database return the entries of the last seconds again.
        while third.entries.len() == 1_000 && !subjects(&third.entries).contains("later") {
            third = page(&server, &format!("?after={}", third.next)).await;
        }
        assert!(subjects(&third.entries).contains("later"));
        let off = DateTime::<Utc>::signed_duration_since(third.as_of, server.clock.now()).abs();
        assert!(off < TimeDelta::minutes(5), "{off}");

        for strange in ["", "nonsense", "%00", "%F0%9F%98%80", &format!("{}_1_2_3", Uuid::nil().simple()), &"9".repeat(2_000)] {
            let over = page(&server, &format!("?after={strange}")).await;
            assert_eq!(over.entries.len(), 1_000, "{strange}");
        }
        for query in ["?before=x", "?after=x&after=y", "?after=x&x=y"] {
            assert_eq!(ask(&server, query, FEED_SECRET).await.error(), (400, "invalid_request"), "{query}");
        }
    }
}

/// One transaction locks a row; requests that wait for it occupy every connection of the pool.
#[actix_web::test]
async fn a_subscriber_gets_entries_while_all_other_connections_are_in_use() {
    let server = TestServer::start(Engine::Postgres, &[]).await;
    server.register().await;
    let ann = server.id_of_ann().await;
    let mut events = Events::of(&server).await;
    events.caught_up().await;
    let database = server.postgres();
    let locking = database.execute("begin; select from users for update; select pg_sleep(60)");
    let waiting = async {
        let of_this_database = "select count(*) from pg_stat_activity where datname = current_database()";
        while database.number(&format!("{of_this_database} and wait_event = 'PgSleep'")).await < 1 {}
        let mut busy = JoinSet::new();
        for _ in 0..POSTGRES_CONNECTIONS {
            let store = Arc::clone(&server.store);
            busy.spawn(async move { store.end_sessions_of(ann, None).await });
        }
        let waiting = format!("{of_this_database} and wait_event_type = 'Lock'");
        while database.number(&waiting).await < i64::from(POSTGRES_CONNECTIONS) {
            assert!(busy.try_join_next().is_none(), "a request did not wait");
        }
        let elsewhere = PostgresStore::connect(database.url(), 1).unwrap();
        elsewhere.revoke_token(None, "told all the same").await.unwrap();
        events.until_received(["told all the same".to_owned()].into()).await;
        assert!(busy.try_join_next().is_none(), "all connections stayed in use");
    };
    tokio::select! {
        () = waiting => {}
        () = locking => panic!("the lock was given up"),
    }
    server.stop();
}

/// RV-12
#[actix_web::test]
async fn the_feed_requires_its_secret() {
    let secrets = format!("{FEED_SECRET},feed-old-1d078365f2a9c48365f2a9c4be1d07be");
    let server = TestServer::start(Engine::Sqlite, &[("FEED_SECRET", &secrets)]).await;
    let (access, _) = server.signed_in().await;
    for accept in ["text/event-stream", "application/json", "*/*"] {
        let request = |secret: Option<&str>| {
            let request = server.request(Method::GET, "/revocations").header("accept", accept);
            secret.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth)
        };
        let nothing = server.send(request(None)).await;
        assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, Some("Bearer")), "{accept}");
        for wrong in ["", "x", &FEED_SECRET[1..], &FEED_SECRET.to_uppercase(), &secrets, &access] {
            let refused = server.send(request(Some(wrong))).await;
            assert_eq!(refused.error(), (401, "invalid_token"), "{accept} {wrong}");
        }
        let in_the_query = format!("/revocations?access_token={FEED_SECRET}");
        assert_eq!(server.get(&in_the_query, None).await.status, 401);
    }
    assert_eq!(ask(&server, "", "feed-old-1d078365f2a9c48365f2a9c4be1d07be").await.status, 200);
    Events::of(&server).await.caught_up().await;
}

#[actix_web::test]
async fn a_head_request_does_not_subscribe() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let request = server.request(Method::HEAD, "/revocations").bearer_auth(FEED_SECRET);
    let head = server.send(request.header("accept", "text/event-stream")).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(
        server.send(server.request(Method::HEAD, "/revocations").bearer_auth(FEED_SECRET)).await.status,
        200
    );
}

/// One subscriber never reads. Requests are answered meanwhile.
#[actix_web::test]
async fn a_stalled_subscriber_delays_neither_a_thousand_others_nor_requests() {
    #[cfg(target_os = "linux")]
    allow_many_open_files();
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.register().await;
    let dead = server.request(Method::GET, "/revocations").bearer_auth(FEED_SECRET);
    let _dead = dead.header("accept", "text/event-stream").send().await.unwrap();
    let mut followers = Vec::new();
    for _ in 0..1_000 {
        followers.push(Events::of(&server).await);
    }
    for events in &mut followers {
        events.caught_up().await;
    }
    for round in 0..3 {
        let access = server.login().await.field("access_token");
        let ended = ids(&server, &access).await;
        let telling = async {
            assert_eq!(server.delete("/logout", &access).await.status, 204);
            let told = followers.iter_mut().map(|events| events.until_received(ended.clone()));
            assert_eq!(join_all(told).await.len(), 1_000);
        };
        let asking = async {
            for _ in 0..10 {
                assert_eq!(server.get("/readyz", None).await.status, 200, "round {round}");
                assert_eq!(server.login().await.status, 200, "round {round}");
            }
        };
        futures_util::future::join(telling, asking).await;
        let access = server.login().await.field("access_token");
        let rest = ids(&server, &access).await;
        assert_eq!(server.delete("/logout?everywhere=true", &access).await.status, 204);
        join_all(followers.iter_mut().map(|events| events.until_received(rest.clone()))).await;
    }
}

/// Both ends of each connection are in this process, and the default limit is 1,024.
#[cfg(target_os = "linux")]
fn allow_many_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[actix_web::test]
async fn a_stopping_server_ends_the_streams_first_and_does_not_wait_for_them() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut events = Events::of(&server).await;
        events.caught_up().await;
        streams.push(events);
    }
    server.stop();
    for mut events in streams {
        while let Some((name, _)) = events.next().await {
            assert_eq!(name, "heartbeat", "on a slow machine, one may arrive before the stop");
        }
    }
}
