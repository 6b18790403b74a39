//! Later migrations, on one server and on a distributed database.

use auth_domain::NewUser;
use auth_store::{Distribution, Maintenance, Readiness, Rotation, RunningServers, Sessions, StoreError};
use scratch_pg::Database;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use store_postgres::PostgresStore;

use super::{citus, migrated, sentence, store};
use crate::fixtures::{add_ann, device};

/// A later migration, as one that adds columns, constraints, indexes and a table, and updates rows. Citus wants each
/// constraint in a statement of its own.
const LATER: &str = "-- Later: what migrations do; this is not a statement.
    alter table sessions add column later text, add column later_still timestamptz;
    alter table sessions add constraint sessions_later check (later <> ';');
    alter table users add column later bigint not null default 0;
    update users set later = 1 where later = 0;
    create index sessions_later on sessions (user_id, later);
    create table later (user_id uuid, id uuid, primary key (user_id, id));
    insert into later values (gen_random_uuid(), gen_random_uuid())";

/// The migrations of a later program.
fn later() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/postgres");
    let sql = LATER.into_sql_str();
    let later = Migration::new(9_999, "later".into(), MigrationType::Simple, sql, false);
    migrator.migrations.to_mut().push(later);
    migrator
}

#[tokio::test]
async fn a_later_migration_runs_on_one_server() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    store.migrate_by(&later()).await.unwrap();
    store.migrate_by(&later()).await.unwrap();
    let recorded = "select count(*) from _sqlx_migrations where version = 9999 and success";
    assert_eq!(database.number(recorded).await, 1);
    used(&store).await;
}

#[tokio::test]
async fn a_migration_that_fails_in_the_middle_changes_nothing() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    database.execute("create table later (id uuid)").await;
    let error = store.migrate_by(&later()).await.unwrap_err();
    assert!(
        sentence(&error).contains("migration 9999: relation \"later\" already exists"),
        "{}",
        sentence(&error)
    );
    let columns = "select count(*) from information_schema.columns where column_name like 'later%'";
    assert_eq!(database.number(columns).await, 0);
    database.execute("drop table later").await;
    store.migrate_by(&later()).await.unwrap();
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_later_migration_runs_through_the_coordinator() {
    let database = citus().await;
    let store = migrated(&database.url(0)).await;
    store.close().await;
    let store = super::store(&database.url(0));
    store.distribute().await.unwrap();
    let ann = add_ann(&store).await;
    store.open_session(&device(&ann, 1).sign_in).await.unwrap();
    store.migrate_by(&later()).await.unwrap();
    store.migrate_by(&later()).await.unwrap();
    database.execute("select create_distributed_table('later', 'user_id', colocate_with => 'users')").await;
    assert_eq!(database.number("select count(*) from users where later = 1").await, 1);
    let store = super::store(&database.url(2));
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
    uses(&store, &ann).await;
}

/// A worker would get tables that no other node knows.
#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_migration_that_is_started_on_a_worker_is_refused_and_changes_nothing() {
    let database = citus().await;
    let at_worker = store(&database.url(1));
    let refused = async || at_worker.migrate(RunningServers::Stopped).await.unwrap_err();
    let expected = "this server is a worker; set DATABASE_URL to the coordinator";
    let error = refused().await;
    assert!(matches!(error, StoreError::Unsuitable(_)), "{error:?}");
    assert!(sentence(&error).contains(expected), "{error}");
    assert_eq!(at_worker.ready().await.unwrap(), Readiness::NotMigrated);

    let store = migrated(&database.url(0)).await;
    assert!(
        sentence(&refused().await).contains(expected),
        "before it is distributed, the worker knows nothing"
    );
    store.distribute().await.unwrap();
    at_worker.migrate(RunningServers::Possible).await.unwrap();
}

/// The store works on the later schema.
async fn used(store: &PostgresStore) {
    uses(store, &add_ann(store).await).await;
}

async fn uses(store: &PostgresStore, ann: &NewUser) {
    let device = device(ann, 2);
    store.open_session(&device.sign_in).await.unwrap();
    let rotation = store.rotate(&device.token(0), None).await.unwrap();
    assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
}
