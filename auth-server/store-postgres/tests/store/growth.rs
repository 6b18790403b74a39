//! A refresh leaves the table as large as it was: it is a HOT update, which no index notices, and what it leaves behind is
//! taken away by the next one on the same page.
//!
//! That is exact for refreshes one after the other on a server that does nothing else, which is what this plays, and
//! without any vacuum. Postgres cannot take away what somebody might still have to see, so while any transaction runs that
//! began before, old versions stay, and each page has room for a few (`fillfactor`). A page of which more rows than that are
//! refreshed meanwhile overflows to another, whose room is then used again and again.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeMap;

use auth_store::{Maintenance, OpenOutcome, Rotation, Sessions};
use scratch_pg::{Database, Profile, ScratchPg};
use sqlx::postgres::{PgPool, PgPoolOptions};
use store_postgres::PostgresStore;

use super::fixtures::{device, somebody};

const REFRESHES: u32 = 20;

/// What refreshing did to `sessions`.
#[derive(Debug)]
struct Growth {
    updates: i64,
    hot: i64,
    /// Bytes of the table and of each index.
    before: BTreeMap<String, i64>,
    after: BTreeMap<String, i64>,
}

#[tokio::test]
async fn refreshing_every_session_twenty_times_is_hot_and_makes_nothing_larger() {
    // A server of its own: databases of one server share the count of transactions, and who creates a database next door
    // holds up what can be taken away here.
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

/// Which shows that the test above would notice.
#[tokio::test]
async fn with_an_index_on_what_a_refresh_writes_nothing_is_hot_and_everything_grows() {
    let index = "create index idle on sessions (last_used_at)";
    let growth = refreshed(Database::fresh().await, 200, Some(index)).await;
    assert_eq!((growth.updates, growth.hot), (200 * i64::from(REFRESHES), 0));
    assert_eq!(growth.before.len(), 3);
    for (relation, size) in &growth.before {
        assert!(growth.after[relation] > *size, "{relation}: {growth:?}");
    }
}

/// Opens so many sessions and refreshes each of them so often, round by round.
async fn refreshed(database: Database, sessions: u128, index: Option<&'static str>) -> Growth {
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate().await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    if let Some(index) = index {
        sqlx::query(index).execute(&pool).await.unwrap();
    }
    let person = somebody(&store).await;
    let devices: Vec<_> = (0..sessions).map(|number| device(&person, number)).collect();
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
    // A connection has told what it did by the time it is gone, and no sooner for certain.
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
