//! After a failover, restart or crash, new entries may have lower numbers than a cursor from before.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use auth_store::{Maintenance, RevocationPage, Revocations, RunningServers, StoreError};
use scratch_pg::{Profile, ScratchPg};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store_postgres::PostgresStore;

use super::pooler::Pooler;

/// A test that waits longer has failed.
const TEST_TIMEOUT: Duration = Duration::from_mins(1);

const HORIZON: &str = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
const STARTED: &str = "select (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint";

/// A server with a store that has revoked that token.
async fn started(profile: Profile, token: &str) -> (ScratchPg, PostgresStore) {
    let server = ScratchPg::start(profile).unwrap();
    let store = PostgresStore::connect(&server.url("postgres"), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    store.revoke_token(None, token).await.unwrap();
    (server, store)
}

async fn number(server: &ScratchPg, query: &str) -> i64 {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap()
}

/// Uses up this many transaction numbers.
async fn use_up_numbers(server: &ScratchPg, transactions: u32) {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let many = format!(
        "do $$ begin for number in 1..{transactions} loop perform pg_current_xact_id(); commit; end loop; end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(many)).execute(&mut connection).await.unwrap();
}

fn subjects(page: &RevocationPage) -> BTreeSet<&str> {
    page.entries.iter().map(|entry| entry.subject.as_str()).collect()
}

/// RV-06: behind a pooler, unnoticed, a standby takes over that had not received everything.
#[tokio::test]
async fn reading_starts_over_at_a_promoted_standby() {
    let (primary, at_primary) = started(Profile::Fast, "before").await;
    let standby = primary.standby(Profile::Fast).unwrap();
    use_up_numbers(&primary, 1_000).await;
    at_primary.revoke_token(None, "not received").await.unwrap();
    let pooler = Pooler::before(&primary);
    let reader = PostgresStore::connect(pooler.url(), 1).unwrap();
    let read = reader.read_revocations(None, 10).await.unwrap();
    assert_eq!(subjects(&read), ["before", "not received"].into());
    let reached = number(&primary, HORIZON).await;

    pooler.switch_to(&standby);
    for refused in [
        reader.read_revocations(Some(&read.next), 10).await.err(),
        reader.read_revocations(None, 10).await.err(),
        reader.newest_cursor().await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "a standby was read: {refused:?}");
    }
    assert_eq!(number(&standby, "select pg_promote()::int::bigint").await, 1);
    let at_standby = PostgresStore::connect(&standby.url("postgres"), 1).unwrap();
    at_standby.revoke_token(None, "after").await.unwrap();
    let recorded = number(&standby, "select max(tx::text::bigint) from revocations").await;
    use_up_numbers(&standby, 2_000).await;
    let horizon = number(&standby, HORIZON).await;
    assert!(
        recorded < reached && reached < horizon,
        "the numbers do not overlap: {recorded}, {reached}, {horizon}"
    );

    let on = reader.read_revocations(Some(&read.next), 10).await.unwrap();
    assert_eq!(subjects(&on), ["before", "after"].into(), "it did not start over");
    let rest = reader.read_revocations(Some(&on.next), 10).await.unwrap();
    assert_eq!(subjects(&rest), BTreeSet::new(), "the next page repeats nothing");
}

/// A crash ends all processes but the first, and numbers of transactions that were not synced are used again.
#[tokio::test]
async fn a_cursor_is_invalid_after_a_restart_or_crash_of_its_server() {
    let (server, store) = started(Profile::Durable, "a token").await;
    let read = store.read_revocations(None, 10).await.unwrap();
    let on = store.read_revocations(Some(&read.next), 10).await.unwrap();
    assert_eq!(subjects(&on), BTreeSet::new(), "before a restart, nothing is read twice");
    let started = number(&server, STARTED).await;

    crash(&server).await;
    assert_eq!(number(&server, STARTED).await, started, "it was restarted");
    let over = read_next(&store, &read).await;
    assert_eq!(subjects(&over), ["a token"].into(), "after a crash it did not start over");
    server.restart().unwrap();
    assert_eq!(
        subjects(&read_next(&store, &over).await),
        ["a token"].into(),
        "at the next start it did not start over"
    );
}

/// Kills a process of the server and waits until the server has recovered. Until the server notices, it accepts
/// connections as before; the witness is a connection that the server closes when it has noticed.
async fn crash(server: &ScratchPg) {
    let mut killed = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let mut witness = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let process: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut killed).await.unwrap();
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
    let began = Instant::now();
    while witness.ping().await.is_ok() || PgConnection::connect(&server.url("postgres")).await.is_err() {
        assert!(began.elapsed() < TEST_TIMEOUT, "the server does not come back");
        tokio::task::yield_now().await;
    }
}

/// Reads the next page after `read`, as soon as the store has reconnected.
async fn read_next(store: &PostgresStore, read: &RevocationPage) -> RevocationPage {
    let began = Instant::now();
    loop {
        match store.read_revocations(Some(&read.next), 10).await {
            Ok(page) => return page,
            Err(error) => assert!(began.elapsed() < TEST_TIMEOUT, "{error:?}"),
        }
    }
}
