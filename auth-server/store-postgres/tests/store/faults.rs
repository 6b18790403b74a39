//! Faults of the database: it is away, hangs, restarts, or its schema changes.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use auth_domain::{Email, NewSession, NewUser, PasswordHash, SessionId, SessionKey, UserId};
use auth_store::{
    AddUserOutcome, Maintenance, OpenOutcome, Readiness, RunningServers, Sessions, StoreError, Users,
};
use goptri_settings::Plain;
use scratch_pg::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};
use store_postgres::PostgresStore;
use uuid::Uuid;

use super::proxy;

#[tokio::test]
async fn a_sign_in_waits_for_a_concurrent_password_change_and_then_opens_no_session() {
    let (database, store) = migrated().await;
    let user = new_user();
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    let pool = pool(&database).await;
    let mut change = pool.begin_with("begin").await.unwrap();
    let changed = sqlx::query("update users set password_hash = 'another' where id = $1").bind(user.id.0);
    assert_eq!(changed.execute(&mut *change).await.unwrap().rows_affected(), 1);

    let signing_in = tokio::spawn(async move { store.open_session(&sign_in(&user)).await });
    while !signing_in.is_finished() && !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    change.commit().await.unwrap();

    assert_eq!(signing_in.await.unwrap().unwrap(), OpenOutcome::Refused);
}

/// A locked table, a network that loses connections, and a server that accepts connections and does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_verb_comes_back_within_ten_seconds_whatever_hangs() {
    let (database, store) = migrated().await;
    let (proxy, url) = proxy::before(database.url());
    let far = PostgresStore::connect(&url, 1).unwrap();
    assert_eq!(far.ready().await.unwrap(), Readiness::Ready);
    let silence = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://postgres@{}/goptri", silence.local_addr().unwrap());
    let silent = PostgresStore::connect(&url, 1).unwrap();

    let pool = pool(&database).await;
    let mut locked = pool.begin_with("begin").await.unwrap();
    sqlx::query("lock table users in access exclusive mode").execute(&mut *locked).await.unwrap();
    proxy.lose_connections();
    let began = Instant::now();
    let (one, two, three, four) = tokio::join!(
        store.list_users(None, 1),
        far.ready(),
        silent.ready(),
        silent.migrate(RunningServers::Possible)
    );
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    for error in [one.err(), three.err(), four.err()] {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
    assert_eq!(two.unwrap(), Readiness::Ready, "sent again on another connection");

    // The server cancelled the statement that waited for the lock, not only its client.
    assert!(!is_waiting_for_a_lock(&pool).await);
    locked.rollback().await.unwrap();
    assert_eq!(store.list_users(None, 1).await.unwrap(), []);
}

#[tokio::test]
async fn ending_all_sessions_waits_for_a_concurrent_sign_in_and_ends_its_session_too() {
    let (database, store) = migrated().await;
    let user = new_user();
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    let pool = pool(&database).await;
    let mut signing_in = pool.begin_with("begin").await.unwrap();
    let opened = sqlx::query(
        "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                               last_used_at)
         select id, id, 'goptri', '', '{}', now(), decode(repeat('00', 32), 'hex'), now(), now(), now()
         from users where id = $1 for share",
    );
    assert_eq!(opened.bind(user.id.0).execute(&mut *signing_in).await.unwrap().rows_affected(), 1);

    let ending = tokio::spawn(async move { store.end_sessions_of(user.id, None).await });
    while !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    signing_in.commit().await.unwrap();

    assert_eq!(ending.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_store_starts_before_its_database_and_reports_it_as_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = PostgresStore::connect(&format!("postgres://postgres@127.0.0.1:{port}/goptri"), 1).unwrap();
    let (ready, migrated) = tokio::join!(store.ready(), store.migrate(RunningServers::Possible));
    for error in [ready.err(), migrated.err()] {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_recovers_after_the_server_closed_its_connections() {
    let (database, store) = migrated().await;
    store.list_users(None, 1).await.unwrap();
    let terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and application_name = 'goptri'";
    let ended: i64 = sqlx::query_scalar(terminate).fetch_one(&pool(&database).await).await.unwrap();
    assert!(ended >= 1);
    // Succeeds if the pool has already noticed.
    let answer = store.list_users(None, 1).await;
    assert!(matches!(answer, Ok(_) | Err(StoreError::Unavailable(_))), "{answer:?}");
    assert_eq!(store.list_users(None, 1).await.unwrap(), []);
}

#[tokio::test]
async fn a_statement_whose_plan_is_stale_runs_again_on_a_new_connection() {
    let (database, store) = migrated().await;
    assert!(matches!(store.add_user(&new_user()).await, Ok(AddUserOutcome::Added(_))));
    store.list_users(None, 1).await.unwrap();
    let change = "alter table users alter column email type varchar(300)";
    sqlx::query(change).execute(&pool(&database).await).await.unwrap();
    assert_eq!(store.list_users(None, 1).await.unwrap().len(), 1);
}

/// Under `serializable`, the loser of a race would get an error instead of a result.
#[tokio::test]
async fn the_default_isolation_level_of_the_database_has_no_effect() {
    let (database, _) = migrated().await;
    let pool = pool(&database).await;
    let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(&pool).await.unwrap();
    let stricter = format!("alter database {name} set default_transaction_isolation = 'serializable'");
    sqlx::query(sqlx::AssertSqlSafe(stricter)).execute(&pool).await.unwrap();
    let store = PostgresStore::connect(database.url(), 8).unwrap();
    let user = new_user();
    let mut racers = tokio::task::JoinSet::new();
    for id in 0..32 {
        let (store, user) = (store.clone(), NewUser { id: UserId(Uuid::from_u128(id)), ..user.clone() });
        racers.spawn(async move { store.add_user(&user).await.unwrap() });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, AddUserOutcome::Added(_))).count(), 1);
}

/// OP-03
#[tokio::test]
async fn the_password_of_the_database_is_never_shown() {
    let store = PostgresStore::connect("postgres://goptri:hunter2@localhost/goptri", 1).unwrap();
    assert!(!format!("{store:?} {store:#?}").contains("hunter2"));
    let error = PostgresStore::connect("postgres://goptri:hunter2@localhost:notaport/goptri", 1).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)));
    assert!(!format!("{error:?} {error:#?}").contains("hunter2"));
}

pub(super) async fn migrated() -> (Database, PostgresStore) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    (database, store)
}

pub(super) async fn pool(database: &Database) -> PgPool {
    PgPoolOptions::new().max_connections(2).connect(database.url()).await.unwrap()
}

pub(super) async fn is_waiting_for_a_lock(pool: &PgPool) -> bool {
    let waiting = "select exists (select from pg_stat_activity
                                  where datname = current_database() and wait_event_type = 'Lock')";
    sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap()
}

pub(super) fn new_user() -> NewUser {
    NewUser {
        id: UserId(Uuid::from_u128(1)),
        email: Email::parse("ann@example.com").unwrap(),
        email_verified: false,
        password_hash: PasswordHash::from_phc("$argon2id$".to_owned()),
        roles: Vec::new(),
    }
}

pub(super) fn sign_in(user: &NewUser) -> NewSession {
    let key = SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(2)) };
    NewSession::for_test(key, user.password_hash.clone(), &Plain::new("jti".to_owned()))
}
