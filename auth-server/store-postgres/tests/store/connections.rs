//! Connections that became unfit: terminated, restarted, read-only, or refused by the server.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::{NewUser, SessionId, SessionKey, UserId};
use auth_store::{
    Connections, EndOutcome, Maintenance, OpenOutcome, Revocations, Rotation, RunningServers, Sessions,
    StoreError, Users,
};
use scratch_pg::{Profile, ScratchPg};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use store_postgres::PostgresStore;
use test_support::Link;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::faults::{is_waiting_for_a_lock, migrated, new_user, pool, sign_in};
use super::fixtures::{add_ann, device};
use super::proxy;

const CONNECTIONS: u32 = 6;

/// A server, and a store on it whose connections are all open and idle.
async fn warm(profile: Profile) -> (ScratchPg, PostgresStore, NewUser) {
    let server = ScratchPg::start(profile).unwrap();
    let store = PostgresStore::connect(&server.url("postgres"), CONNECTIONS).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    let user = add_ann(&store).await;
    warm_up(&store).await;
    (server, store, user)
}

/// Opens all connections for requests.
async fn warm_up(store: &PostgresStore) {
    let start = Arc::new(Barrier::new(CONNECTIONS as usize));
    let mut tasks = JoinSet::new();
    while store.connections().open < CONNECTIONS {
        for _ in 0..CONNECTIONS {
            let (store, start) = (store.clone(), Arc::clone(&start));
            tasks.spawn(async move {
                start.wait().await;
                store.list_users(None, 1).await.unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    }
}

async fn execute(server: &ScratchPg, statements: &str) {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    for statement in statements.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Ends all connections of stores, as a switch-over does.
async fn terminate(server: &ScratchPg) {
    execute(
        server,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'goptri'",
    )
    .await;
}

#[tokio::test]
async fn no_verb_fails_because_idle_connections_were_closed() {
    let (server, store, user) = warm(Profile::Fast).await;
    let key = SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(2)) };
    let tokens = device(&user, 2);
    store.follow_revocations(None, 1).await.unwrap();
    store.sweep_revocations(1).await.unwrap();

    terminate(&server).await;
    assert!(matches!(store.open_session(&tokens.sign_in).await, Ok(OpenOutcome::Opened(_))));
    terminate(&server).await;
    let rotation = store.rotate(&tokens.token(0), None).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
    terminate(&server).await;
    assert_eq!(store.end_session(key, None).await.unwrap(), EndOutcome::Ended);
    terminate(&server).await;
    assert_eq!(store.end_sessions_of(user.id, None).await.unwrap(), 0);
    terminate(&server).await;
    assert!(store.find_user(&auth_domain::UserIdOrEmail::Id(user.id)).await.unwrap().is_some());
    terminate(&server).await;
    store.follow_revocations(None, 1).await.unwrap();
    store.sweep_revocations(1).await.unwrap();
    terminate(&server).await;
    store.delete_user(user.id).await.unwrap();
}

#[tokio::test]
async fn the_first_dead_connection_clears_the_pool() {
    let (server, store, _) = warm(Profile::Fast).await;
    terminate(&server).await;
    store.list_users(None, 1).await.unwrap();
    assert_eq!(store.connections(), Connections { open: 1, idle: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_fails_no_read_and_no_refresh() {
    let (server, store, user) = warm(Profile::Durable).await;
    let mut clients = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(3);
    for number in 10..10 + u128::from(CONNECTIONS) {
        let tokens = device(&user, number);
        store.open_session(&tokens.sign_in).await.unwrap();
        let store = store.clone();
        clients.spawn(async move {
            for generation in 0.. {
                if Instant::now() > until {
                    return generation;
                }
                match store.rotate(&tokens.token(generation), None).await.unwrap() {
                    // The server ended after the commit and before the answer.
                    Rotation::Rotated(_) | Rotation::Resent(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            unreachable!()
        });
    }
    let _server = tokio::task::spawn_blocking(move || {
        server.restart().unwrap();
        server
    })
    .await
    .unwrap();
    for rotations in clients.join_all().await {
        assert!(rotations > 0);
    }
}

/// As at a standby that was the primary, or will be: connections stay read-only when the server no longer is.
#[tokio::test]
async fn a_connection_to_a_read_only_server_is_closed_and_the_next_write_succeeds() {
    let (server, store, user) = warm(Profile::Fast).await;
    let read_only = "alter database postgres set default_transaction_read_only";
    execute(&server, &format!("{read_only} = on")).await;
    terminate(&server).await;
    warm_up(&store).await;
    store.probe_write().await.unwrap_err();
    let refused = store.open_session(&sign_in(&user)).await;
    let Err(error @ StoreError::Unavailable(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("read-only transaction; connect to the primary"), "{error}");
    warm_up(&store).await;

    execute(&server, "set default_transaction_read_only = off; alter database postgres reset all").await;
    let opened = store.open_session(&sign_in(&user)).await;
    assert!(matches!(opened, Ok(OpenOutcome::Opened(_))), "the next write failed: {opened:?}");
    store.probe_write().await.unwrap();
}

async fn waiting_for_locks(pool: &PgPool) -> i64 {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap()
}

/// The first try waits for a lock when its connection breaks, and rotates nevertheless.
#[tokio::test]
async fn a_rotation_that_was_carried_out_and_sent_again_is_reported_as_resent() {
    let (database, store) = migrated().await;
    let ann = add_ann(&store).await;
    let tokens = device(&ann, 1);
    store.open_session(&tokens.sign_in).await.unwrap();
    let (proxy, url) = proxy::before(database.url());
    let far = PostgresStore::connect(&url, 1).unwrap();
    let pool = pool(&database).await;
    let mut lock = pool.begin_with("begin").await.unwrap();
    sqlx::query("select from sessions for update").execute(&mut *lock).await.unwrap();
    let token = tokens.token(0);
    let rotating = tokio::spawn(async move { far.rotate(&token, None).await });
    while !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    proxy.set(Link::Down);
    proxy.set(Link::Up);
    while waiting_for_locks(&pool).await < 2 {
        assert!(!rotating.is_finished(), "it was not sent again");
        tokio::task::yield_now().await;
    }
    lock.commit().await.unwrap();

    let rotation = rotating.await.unwrap().unwrap();
    let Rotation::Resent(found) = rotation else { panic!("{rotation:?}") };
    assert_eq!(found.session.generation.number(), 1);
}

/// Opening a session twice would fail, or open two.
#[tokio::test]
async fn a_sign_in_is_never_sent_again_once_it_may_have_been_carried_out() {
    let (database, store) = migrated().await;
    let ann = new_user();
    store.add_user(&ann).await.unwrap();
    let (proxy, url) = proxy::before(database.url());
    let far = PostgresStore::connect(&url, 1).unwrap();
    let pool = pool(&database).await;
    let mut lock = pool.begin_with("begin").await.unwrap();
    sqlx::query("select from users for update").execute(&mut *lock).await.unwrap();
    let opening = tokio::spawn(async move { far.open_session(&sign_in(&ann)).await });
    while !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    proxy.set(Link::Down);
    proxy.set(Link::Up);
    while !opening.is_finished() {
        assert!(waiting_for_locks(&pool).await < 2, "it was sent again");
    }
    let opened = opening.await.unwrap();
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
    lock.rollback().await.unwrap();
}

/// Something on the way, such as a NAT, forgets idle connections without telling anyone.
#[tokio::test]
async fn connections_that_were_dropped_silently_cost_about_a_second_together() {
    let (database, store) = migrated().await;
    let user = add_ann(&store).await;
    let (proxy, url) = proxy::before(database.url());
    let far = PostgresStore::connect(&url, CONNECTIONS).unwrap();
    warm_up(&far).await;
    proxy.lose_connections();
    let began = Instant::now();
    // A verb that is sent once pings first, whenever the connection was last used.
    let opened = far.open_session(&sign_in(&user)).await;
    assert!(matches!(opened, Ok(OpenOutcome::Opened(_))), "{opened:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let began = Instant::now();
    warm_up(&far).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn when_the_server_grants_fewer_connections_no_verb_fails_and_feed_and_sweeps_have_theirs() {
    let server = ScratchPg::start(Profile::Fast).unwrap();
    let store = PostgresStore::connect(&server.url("postgres"), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    execute(
        &server,
        "create role app login connection limit 8;
         grant select, insert, update, delete on all tables in schema public to app;
         grant usage on all sequences in schema public to app",
    )
    .await;
    let limited = PostgresStore::connect(&server.url("postgres").replace("postgres@", "app@"), 14).unwrap();
    let mut clients = JoinSet::new();
    for client in 0..24 {
        let store = limited.clone();
        clients.spawn(async move {
            for _ in 0..20 {
                store.list_users(Some(UserId(Uuid::from_u128(client))), 1).await.unwrap();
            }
        });
    }
    limited.follow_revocations(None, 1).await.unwrap();
    limited.sweep_revocations(1).await.unwrap();
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    // All eight are taken, and those of the feed and of sweeps are among them.
    assert!(limited.connections().open <= 8, "{:?}", limited.connections());
    limited.follow_revocations(None, 1).await.unwrap();
    limited.sweep_revocations(1).await.unwrap();
}
