//! A refresh does not grow the table: it is a HOT update, which changes no index, and the next refresh on the same page
//! removes the old row version.
//!
//! This is exact for sequential refreshes on an otherwise idle server, without any vacuum, as in this test. While an older
//! transaction runs, Postgres cannot remove old row versions, and each page has room for a few (`fillfactor`). A page with
//! more refreshed rows overflows to another page, whose space is then reused.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeMap;

use auth_store::{Maintenance, OpenOutcome, Rotation, RunningServers, Sessions};
use scratch_pg::{Database, Profile, ScratchPg};
use sqlx::postgres::{PgPool, PgPoolOptions};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, device};

const REFRESHES: u32 = 20;

/// The effect of refreshes on `sessions`.
#[derive(Debug)]
struct Growth {
    updates: i64,
    hot: i64,
    /// The size of the table and of each index, in bytes.
    before: BTreeMap<String, i64>,
    after: BTreeMap<String, i64>,
}

#[tokio::test]
async fn twenty_refreshes_of_every_session_are_hot_updates_and_grow_nothing() {
    // A server of its own: the databases of a server share their transaction numbers, so a transaction in another database
    // would delay the removal of row versions here.
    let server = ScratchPg::start(Profile::Fast).unwrap();
    let growth = refreshed(Database::on(&server.url("postgres")).await, 1_000, None).await;
    assert_eq!(growth.updates, 1_000 * i64::from(REFRESHES));
    assert_eq!(growth.hot, growth.updates);
    assert_eq!(growth.before.len(), 2, "the table and its one index: {:?}", growth.before);
    assert!(
        growth.before.values().all(|size| *size >= 8 * 8_192),
        "more than some pages: {:?}",
        growth.before
    );
    assert_eq!(growth.after, growth.before);
}

/// Shows that the test above detects growth.
#[tokio::test]
async fn with_an_index_on_a_refreshed_column_no_update_is_hot_and_everything_grows() {
    let index = "create index idle on sessions (last_used_at)";
    let growth = refreshed(Database::fresh().await, 200, Some(index)).await;
    assert_eq!((growth.updates, growth.hot), (200 * i64::from(REFRESHES), 0));
    assert_eq!(growth.before.len(), 3);
    for (relation, size) in &growth.before {
        assert!(growth.after[relation] > *size, "{relation}: {growth:?}");
    }
}

/// Opens sessions, and refreshes each of them [`REFRESHES`] times, round by round.
async fn refreshed(database: Database, sessions: u128, index: Option<&'static str>) -> Growth {
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    if let Some(index) = index {
        sqlx::query(index).execute(&pool).await.unwrap();
    }
    let user = add_ann(&store).await;
    let devices: Vec<_> = (0..sessions).map(|number| device(&user, number)).collect();
    for device in &devices {
        let opening = store.open_session(&device.sign_in).await.unwrap();
        assert!(matches!(opening, OpenOutcome::Opened(_)), "{opening:?}");
    }
    let before = sizes(&pool).await;
    for generation in 0..REFRESHES {
        for device in &devices {
            let rotation = store.rotate(&device.token(generation), None).await.unwrap();
            assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
        }
    }
    let after = sizes(&pool).await;
    // The statistics of a connection are certain to be visible only after it has closed.
    store.close().await;
    while others_are_connected(&pool).await {
        tokio::task::yield_now().await;
    }
    let counted = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'sessions'";
    let (updates, hot) = sqlx::query_as(counted).fetch_one(&pool).await.unwrap();
    Growth { updates, hot, before, after }
}

async fn sizes(pool: &PgPool) -> BTreeMap<String, i64> {
    let all = "select c.relname::text, pg_relation_size(c.oid)
               from pg_class c left join pg_index i on i.indexrelid = c.oid
               where coalesce(i.indrelid, c.oid) = 'sessions'::regclass";
    let sizes: Vec<(String, i64)> = sqlx::query_as(all).fetch_all(pool).await.unwrap();
    sizes.into_iter().collect()
}

async fn others_are_connected(pool: &PgPool) -> bool {
    let others = "select exists (select from pg_stat_activity
                                 where datname = current_database() and pid <> pg_backend_pid())";
    sqlx::query_scalar(others).fetch_one(pool).await.unwrap()
}
