//! `distribute`, and a distributed database afterwards. `scripts/test-citus` runs the tests that need Citus.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

use std::error::Error;

use auth_store::{
    Distribution, DistributionPlan, EndOutcome, Layout, Maintenance, Rotation, RunningServers, Sessions,
    StoreError,
};
use scratch_pg::{CitusCluster, CitusDatabase, Database, Profile, named_cluster};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, device};

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
#[ignore = "needs Citus: scripts/test-citus"]
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
    assert_eq!(done(&again).len(), 8, "{again:?}");
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
#[ignore = "needs Citus: scripts/test-citus"]
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
#[ignore = "needs Citus: scripts/test-citus"]
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
    assert_eq!(done(&store.plan_distribution().await.unwrap()).len(), 8);

    database.execute("create table later (user_id uuid primary key)").await;
    database.execute("select undistribute_table('emails')").await;
    let error = self::store(&database.url(0)).check_server().await.unwrap_err();
    assert!(sentence(&error).contains("emails"), "{error}");
    assert!(sentence(&error).contains("run `auth-server database distribute`"), "{error}");
}

#[tokio::test]
#[ignore = "needs Citus: scripts/test-citus"]
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

/// The node that reports it is fine, and so is the connection to it.
#[tokio::test]
async fn that_a_node_lost_another_one_closes_no_connection() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    let ann = add_ann(&store).await;
    store.open_session(&device(&ann, 1).sign_in).await.unwrap();
    let opened = "select max(extract(epoch from backend_start) * 1000000)::bigint from pg_stat_activity
                  where datname = current_database() and application_name = 'goptri'";
    let before = database.number(opened).await;
    for code in ["08006", "08001", "57P01"] {
        let fail = format!(
            "create or replace function fail() returns trigger language plpgsql as
                 $$ begin raise exception 'connection to the remote node failed' using errcode = '{code}'; end $$;
             create or replace trigger fails before insert on sessions for each row execute function fail()"
        );
        database.execute(&fail).await;
        let error = store.open_session(&device(&ann, 2).sign_in).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    database.execute("drop trigger fails on sessions").await;
    store.open_session(&device(&ann, 2).sign_in).await.unwrap();
    assert_eq!(database.number(opened).await, before, "it connected again");
}

/// A later migration, as one that adds columns, constraints, indexes and a table. Citus wants each constraint in a
/// statement of its own.
const LATER: &str = "alter table sessions add column later text;
    alter table sessions add constraint sessions_later check (later <> '');
    alter table users add column later bigint not null default 0;
    create index sessions_later on sessions (user_id, later);
    create table later (user_id uuid, id uuid, primary key (user_id, id))";

#[tokio::test]
async fn a_later_migration_runs_on_one_server() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    database.execute(LATER).await;
    used(&store).await;
}

#[tokio::test]
#[ignore = "needs Citus: scripts/test-citus"]
async fn on_citus_a_later_migration_runs_through_the_coordinator() {
    let database = citus().await;
    let store = migrated(&database.url(0)).await;
    store.close().await;
    let store = self::store(&database.url(0));
    store.distribute().await.unwrap();
    database.execute(LATER).await;
    database.execute("select create_distributed_table('later', 'user_id', colocate_with => 'users')").await;
    used(&self::store(&database.url(2))).await;
}

/// The store works on the later schema.
async fn used(store: &PostgresStore) {
    let device = device(&add_ann(store).await, 1);
    store.open_session(&device.sign_in).await.unwrap();
    let rotation = store.rotate(&device.token(0), None).await.unwrap();
    assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
}

/// A refresh is one command to one worker, which commits alone; a sign-out is one transaction there.
#[tokio::test]
#[ignore = "needs Citus: scripts/test-citus"]
async fn on_citus_a_refresh_is_one_command() {
    let cluster = CitusCluster::start(Profile::Fast, 2).unwrap();
    let database = CitusDatabase::on(&cluster.urls()).await;
    let store = migrated(&database.url(0)).await;
    store.close().await;
    self::store(&database.url(0)).distribute().await.unwrap();
    let logging = "&options=-ccitus.log_remote_commands=on%20-clog_min_messages=notice";
    let store = self::store(&format!("{}{logging}", database.url(0)));
    let device = device(&add_ann(&store).await, 1);
    store.open_session(&device.sign_in).await.unwrap();
    store.rotate(&device.token(0), None).await.unwrap();
    let log = || std::fs::read_to_string(cluster.node(0).folder().join("log")).unwrap();
    let since = |before: &str| {
        let commands: Vec<_> = log()[before.len()..]
            .lines()
            .filter_map(|line| line.split_once("issuing "))
            .map(|(_, c)| c.to_owned())
            .collect();
        println!("{commands:#?}");
        commands
    };
    let before = log();
    store.rotate(&device.token(1), None).await.unwrap();
    let refresh = since(&before);
    assert!(refresh.len() == 1 && refresh[0].starts_with("UPDATE"), "{refresh:?}");
    let before = log();
    assert_eq!(store.end_session(device.sign_in.key, None).await.unwrap(), EndOutcome::Ended);
    let ending = since(&before);
    assert!(!ending.iter().any(|command| command.contains("PREPARE TRANSACTION")), "{ending:?}");
}
