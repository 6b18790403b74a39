//! Several hosts in the URL: the store writes to the primary, and follows a promotion.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::time::{Duration, Instant};

use auth_domain::{NewUser, UserIdOrEmail};
use auth_store::{Maintenance, OpenOutcome, Revocations, RunningServers, Sessions, StoreError, Users};
use scratch_pg::{Profile, ScratchPg};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, device};

/// From a promotion until the store writes to the new primary.
const FOLLOW: Duration = Duration::from_secs(2);

/// A primary with Ann and its streaming standby, and a store that knows both, the standby first.
async fn pair() -> (ScratchPg, ScratchPg, PostgresStore, NewUser) {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let standby = primary.streaming_standby(Profile::Durable).unwrap();
    let store = PostgresStore::connect(&url_of(&[&standby, &primary], ""), 4).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    let ann = add_ann(&store).await;
    (primary, standby, store, ann)
}

fn url_of(servers: &[&ScratchPg], parameters: &str) -> String {
    let folders: Vec<_> = servers.iter().map(|server| server.folder().display().to_string()).collect();
    format!("postgres://postgres@localhost/postgres?host={}{parameters}", folders.join(","))
}

async fn number(server: &ScratchPg, query: &str) -> i64 {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap()
}

/// Waits until the standby has received everything.
async fn caught_up(primary: &ScratchPg, standby: &ScratchPg) {
    let written = number(primary, "select (pg_current_wal_lsn() - '0/0')::bigint").await;
    while number(standby, "select (pg_last_wal_replay_lsn() - '0/0')::bigint").await < written {
        tokio::task::yield_now().await;
    }
}

async fn promote(standby: &ScratchPg) {
    assert_eq!(number(standby, "select pg_promote()::int::bigint").await, 1);
}

/// Signs Ann in until it succeeds, on devices from that number on.
async fn signs_in(store: &PostgresStore, ann: &NewUser, from: u128) -> Duration {
    let began = Instant::now();
    for number in from.. {
        match store.open_session(&device(ann, number).sign_in).await {
            Ok(OpenOutcome::Opened(_)) => return began.elapsed(),
            Err(StoreError::Unavailable(_)) if began.elapsed() < Duration::from_mins(1) => {}
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_writes_to_the_primary_and_follows_a_promotion_within_two_seconds() {
    let (primary, standby, store, ann) = pair().await;
    caught_up(&primary, &standby).await;
    primary.kill().unwrap();
    let tablet = device(&ann, 2);
    let refused = store.open_session(&tablet.sign_in);
    let follow = async {
        promote(&standby).await;
        Instant::now()
    };
    let (_, promoted) = tokio::join!(refused, follow);
    signs_in(&store, &ann, 100).await;
    assert!(promoted.elapsed() < FOLLOW, "{:?}", promoted.elapsed());

    // The old primary accepts writes, and nothing that the new one has.
    primary.restart().unwrap();
    standby.stop_immediate().unwrap();
    let refused = store.open_session(&device(&ann, 3).sign_in).await;
    let Err(error @ StoreError::Unavailable(_)) = refused else { panic!("{refused:?}") };
    let expected = format!("{}/.s.PGSQL.5432 is an old primary (timeline 1", primary.folder().display());
    assert!(error.to_string().contains(&expected), "{error}");
    standby.restart().unwrap();
    signs_in(&store, &ann, 1_000_000).await;
    assert_eq!(number(&primary, "select count(*) from sessions").await, 0, "the old primary was written");
}

/// It accepts connections, and nothing answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_leaves_a_primary_that_answers_nothing_within_ten_seconds() {
    let (primary, standby, store, ann) = pair().await;
    caught_up(&primary, &standby).await;
    primary.pause().unwrap();
    promote(&standby).await;
    let took = signs_in(&store, &ann, 100).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    primary.resume().unwrap();
}

/// A server that only reads gets no error from the old primary, and would miss every revocation.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_reads_notices_a_promotion() {
    let (primary, standby, store, _) = pair().await;
    store.follow_revocations(None, 10).await.unwrap();
    caught_up(&primary, &standby).await;
    promote(&standby).await;
    let promoted = Instant::now();
    let elsewhere = PostgresStore::connect(&standby.url("postgres"), 1).unwrap();
    elsewhere.revoke_token(None, "at the new primary").await.unwrap();
    while store.follow_revocations(None, 10).await.unwrap().entries.is_empty() {
        assert!(promoted.elapsed() < Duration::from_secs(5), "the old primary is still read");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn with_any_the_first_host_that_answers_is_used() {
    let (primary, standby, store, ann) = pair().await;
    caught_up(&primary, &standby).await;
    store.close().await;
    let any = "&target_session_attrs=any";
    let one = PostgresStore::connect(&url_of(&[&standby, &primary], any), 1).unwrap();
    assert!(one.find_user(&UserIdOrEmail::Id(ann.id)).await.unwrap().is_some());
    let refused = one.open_session(&device(&ann, 2).sign_in).await;
    let Err(error @ StoreError::Unavailable(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains(&standby.folder().display().to_string()), "{error}");
    let other = PostgresStore::connect(&url_of(&[&primary, &standby], any), 1).unwrap();
    signs_in(&other, &ann, 100).await;
    standby.stop_immediate().unwrap();
    let other = PostgresStore::connect(&url_of(&[&standby, &primary], any), 1).unwrap();
    signs_in(&other, &ann, 1_000_000).await;
}
