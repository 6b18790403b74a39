//! `distribute`, and a distributed database afterwards. `scripts/test-citus` runs the tests that need Citus.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

mod commands;
mod migrations;
mod roles;

use std::error::Error;

use auth_store::{Distribution, DistributionPlan, Layout, Maintenance, RunningServers, Sessions, StoreError};
use scratch_pg::{CitusCluster, CitusDatabase, Database, Profile, named_cluster};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, device};

/// How many tables a plan has.
const TABLES: usize = 13;

fn store(url: &str) -> PostgresStore {
    PostgresStore::connect(url, 2).unwrap()
}

async fn migrated(url: &str) -> PostgresStore {
    let store = store(url);
    store.migrate(RunningServers::Stopped).await.unwrap();
    store
}

/// A database on the cluster of `scripts/test-citus`.
async fn citus() -> CitusDatabase {
    CitusDatabase::on(&named_cluster().expect("scripts/test-citus sets it")).await
}

fn sentence(error: &StoreError) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

/// Both ways to call it fail in the same way.
async fn refused(store: &PostgresStore) -> StoreError {
    let planned = store.plan_distribution().await.unwrap_err();
    let error = store.distribute().await.unwrap_err();
    assert_eq!(sentence(&planned), sentence(&error));
    error
}

fn done(plan: &DistributionPlan) -> Vec<&'static str> {
    plan.tables.iter().filter(|table| table.done).map(|table| table.table).collect()
}

#[tokio::test]
async fn without_the_extension_nothing_is_distributed() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    let error = refused(&store).await;
    assert!(matches!(error, StoreError::Unsuitable(_)), "{error:?}");
    assert!(sentence(&error).contains("run `create extension citus` in it, on every node"), "{error}");
    assert_eq!(store.layout().await.unwrap(), Layout::OneServer);
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_distributing_twice_does_nothing_the_second_time() {
    let database = citus().await;
    let store = migrated(&database.url(0)).await;
    let ann = add_ann(&store).await;
    store.open_session(&device(&ann, 1).sign_in).await.unwrap();
    assert_eq!(store.layout().await.unwrap(), Layout::OneServer);
    store.close().await;

    let store = self::store(&database.url(0));
    let planned = store.plan_distribution().await.unwrap();
    assert_eq!((planned.nodes.len(), done(&planned)), (2, Vec::new()), "{planned:?}");
    assert_eq!(store.plan_distribution().await.unwrap(), planned, "a plan changes nothing");
    assert_eq!(store.distribute().await.unwrap(), planned);
    let again = store.distribute().await.unwrap();
    assert_eq!(done(&again).len(), TABLES, "{again:?}");
    assert_eq!(store.layout().await.unwrap(), Layout::Distributed);
    for node in 0..3 {
        let store = self::store(&database.url(node));
        store.check_server().await.unwrap();
        store.probe_write().await.unwrap();
        let listed = store.list_sessions(ann.id, None, 10).await.unwrap();
        assert_eq!(listed.len(), 1, "node {node} finds what was there before");
    }
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_database_that_cannot_be_distributed_is_refused_with_a_remedy() {
    let database = citus().await;
    let store = self::store(&database.url(0));
    let error = refused(&store).await;
    assert!(matches!(error, StoreError::NotMigrated(_)), "{error:?}");
    let store = migrated(&database.url(0)).await;

    database.execute("select create_reference_table('users')").await;
    let error = refused(&store).await;
    assert!(sentence(&error).contains("users is a reference table"), "{error}");
    assert!(sentence(&error).contains("select undistribute_table('users'"), "{error}");
    database.execute("select undistribute_table('users', cascade_via_foreign_keys => true)").await;

    let server = self::store(&database.url(0));
    server.ready().await.unwrap();
    let error = store.distribute().await.unwrap_err();
    assert!(
        sentence(&error).contains("1 other sessions of this program use it; stop all auth-servers"),
        "{error}"
    );
    server.close().await;
    store.distribute().await.unwrap();

    let at_worker = self::store(&database.url(1));
    let error = refused(&at_worker).await;
    assert!(
        sentence(&error).contains("this server is a worker; set DATABASE_URL to the coordinator"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_tables_that_are_not_distributed_yet_are_named_and_distributed() {
    let database = citus().await;
    let store = migrated(&database.url(0)).await;
    database
        .execute("select create_distributed_table('users', 'id'), create_reference_table('database_id')")
        .await;
    store.close().await;
    let store = self::store(&database.url(0));
    assert_eq!(done(&store.plan_distribution().await.unwrap()), ["database_id", "users"]);
    store.distribute().await.unwrap();
    assert_eq!(done(&store.plan_distribution().await.unwrap()).len(), TABLES);

    database.execute("create table later (user_id uuid primary key)").await;
    database.execute("select undistribute_table('emails')").await;
    let error = self::store(&database.url(0)).check_server().await.unwrap_err();
    assert!(sentence(&error).contains("emails"), "{error}");
    assert!(sentence(&error).contains("run `auth-server database distribute`"), "{error}");
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_node_that_cannot_be_reached_is_named() {
    let cluster = CitusCluster::start(Profile::Fast, 2).unwrap();
    let database = CitusDatabase::on(&cluster.urls()).await;
    let store = migrated(&database.url(0)).await;
    cluster.node(2).stop_immediate().unwrap();
    let error = refused(&store).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(sentence(&error).contains(&format!("127.0.0.1:{}", cluster.node(2).port())), "{error}");
    cluster.node(2).restart().unwrap();
}
