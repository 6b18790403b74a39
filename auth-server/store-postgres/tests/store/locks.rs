//! Locks: verbs do not deadlock with each other, deadlocks with others are retried, sweeps and pruning skip locked
//! sessions, and sweeps and the feed have connections of their own.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use auth_domain::{Email, NewSession, NewUser, SessionId, SessionKey, UserId};
use auth_store::{ChangeOutcome, Maintenance, Revocations, SessionSweep, Sessions, Users};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use store_postgres::PostgresStore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::faults::{is_waiting_for_a_lock, migrated, new_user, pool, sign_in};

/// The connections of requests.
const CONNECTIONS: u32 = 8;

const LOCK: &str = "select from sessions where id = $1 for update";

/// Opens two sessions of that user, ordered by id.
async fn two_sessions(store: &PostgresStore, user: &NewUser, lifetime: Option<TimeDelta>) -> [SessionId; 2] {
    let ids = [10, 11].map(|id| SessionId(Uuid::from_u128(id)));
    for id in ids {
        let key = SessionKey { user_id: user.id, id };
        store.open_session(&NewSession { key, lifetime, ..sign_in(user) }).await.unwrap();
    }
    ids
}

/// Another transaction locks two sessions in the opposite order. Postgres rolls back the verb, which has waited longer.
#[tokio::test]
async fn an_end_of_all_sessions_is_retried_after_a_deadlock() {
    let (database, store) = migrated().await;
    let user = new_user();
    store.add_user(&user).await.unwrap();
    let [first, last] = two_sessions(&store, &user, None).await;
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query("set local deadlock_timeout = '1min'").execute(&mut *other).await.unwrap();
    sqlx::query(LOCK).bind(last.0).execute(&mut *other).await.unwrap();

    let disabling = tokio::spawn(async move { store.disable_user(user.id).await });
    while !disabling.is_finished() && !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();
    other.commit().await.unwrap();

    assert_eq!(disabling.await.unwrap().unwrap(), ChangeOutcome::Changed { ended_sessions: 2 });
}

#[tokio::test]
async fn a_sweep_skips_locked_sessions_and_uses_no_connection_of_requests() {
    let (database, store) = migrated().await;
    let user = new_user();
    store.add_user(&user).await.unwrap();
    let [first, _] = two_sessions(&store, &user, Some(TimeDelta::zero())).await;
    let clock = ManualClock::default();
    let sweeping = PostgresStore::connect(database.url(), 1).unwrap().with_clock_offset(clock.clone());
    clock.advance(TimeDelta::hours(3));
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();
    // Takes the only connection of requests, and waits for the lock.
    let busy = {
        let store = sweeping.clone();
        tokio::spawn(async move { store.end_sessions_of(user.id, None).await })
    };
    while !busy.is_finished() && !is_waiting_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }

    let swept = sweeping.sweep_sessions(None, 10, None).await.unwrap();
    assert_eq!(swept, SessionSweep { swept: 1, last: None });
    other.rollback().await.unwrap();
    assert_eq!(busy.await.unwrap().unwrap(), 1);
}

/// Another server records a revocation while all connections for requests of this one wait for a lock.
#[tokio::test]
async fn the_feed_uses_no_connection_of_requests() {
    let (database, elsewhere) = migrated().await;
    let user = new_user();
    elsewhere.add_user(&user).await.unwrap();
    let store = PostgresStore::connect(database.url(), CONNECTIONS).unwrap();
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    let lock = "select from users where id = $1 for update";
    sqlx::query(lock).bind(user.id.0).execute(&mut *other).await.unwrap();
    let mut busy = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let store = store.clone();
        busy.spawn(async move { store.end_sessions_of(user.id, None).await });
    }
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let all = i64::from(CONNECTIONS);
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() < all {
        assert!(busy.try_join_next().is_none(), "a connection did not wait");
    }

    let newest = store.newest_cursor().await.unwrap();
    elsewhere.revoke_token(None, "a token").await.unwrap();
    let page = store.follow_revocations(Some(&newest), 10).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| &entry.subject).collect::<Vec<_>>(), ["a token"]);
    assert!(busy.try_join_next().is_none(), "all connections still wait");
    other.rollback().await.unwrap();
    for ended in busy.join_all().await {
        assert_eq!(ended.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_locked_session_is_not_pruned_and_no_other_ends_in_its_place() {
    let (database, store) = migrated().await;
    let user = new_user();
    store.add_user(&user).await.unwrap();
    let [first, last] = two_sessions(&store, &user, None).await;
    let opened = SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(12)) };
    store.open_session(&NewSession { key: opened, ..sign_in(&user) }).await.unwrap();
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();

    assert_eq!(store.prune_excess(opened, 2).await.unwrap(), 0);
    assert_eq!(store.prune_excess(opened, 1).await.unwrap(), 1);
    other.rollback().await.unwrap();
    let left: Vec<_> = store.list_sessions(user.id, None, 9).await.unwrap().iter().map(|s| s.id).collect();
    assert!(left == [first, opened.id] && !left.contains(&last), "{left:?}");
    assert_eq!(store.prune_excess(opened, 1).await.unwrap(), 1);
}

/// Two users with some sessions each, of which a third have ended by time. Every verb that locks several rows runs beside
/// all others, and takes the same rows in another order than they are listed.
#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_lock_the_same_rows_never_deadlock() {
    let (database, _) = migrated().await;
    let clock = ManualClock::default();
    let stores = [(); 2].map(|()| {
        PostgresStore::connect(database.url(), CONNECTIONS).unwrap().with_clock_offset(clock.clone())
    });
    for round in 0..10 {
        let users = [1, 2].map(|number| numbered_user(round * 2 + number));
        for user in &users {
            stores[0].add_user(user).await.unwrap();
            for id in 0..12 {
                let key = session(user, id);
                let lifetime = (id % 3 == 0).then(TimeDelta::zero);
                stores[0].open_session(&NewSession { key, lifetime, ..sign_in(user) }).await.unwrap();
            }
        }
        clock.advance(TimeDelta::hours(3));
        let mut tasks = JoinSet::new();
        for (number, store) in stores.iter().cycle().take(24).enumerate() {
            let (store, users) = (store.clone(), users.clone());
            tasks.spawn(async move { lock_rows(&store, number, &users).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    }
    for store in &stores {
        store.close().await;
    }
    // A process of the server reports its deadlocks before it ends.
    let pool = pool(&database).await;
    let others = "select count(*) from pg_stat_activity
                  where datname = current_database() and application_name = 'goptri' and pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&pool).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(sqlx::query_scalar::<_, i64>(deadlocks).fetch_one(&pool).await.unwrap(), 0);
}

fn numbered_user(number: u128) -> NewUser {
    let email = Email::parse(&format!("user{number}@example.com")).unwrap();
    NewUser { id: UserId(Uuid::from_u128(number)), email, ..new_user() }
}

fn session(user: &NewUser, id: u128) -> SessionKey {
    SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(1_000 + id)) }
}

async fn lock_rows(store: &PostgresStore, number: usize, users: &[NewUser; 2]) {
    let (user, other) = (&users[number % 2], &users[(number + 1) % 2]);
    match number / 2 % 9 {
        0 => drop(store.end_sessions_of(user.id, None).await.unwrap()),
        1 => drop(store.sweep_sessions(None, 100, None).await.unwrap()),
        2 => drop(store.prune_excess(session(user, 0), 5).await.unwrap()),
        3 => {
            for id in (0..12).rev() {
                store.end_session(session(user, id), None).await.unwrap();
            }
        }
        4 => drop(store.disable_user(user.id).await.unwrap()),
        5 => drop(store.set_email(user.id, &other.email, false).await.unwrap()),
        6 => drop(store.sweep_revocations(100).await.unwrap()),
        7 => {
            let free = Email::parse(&format!("free{}", user.email.as_str())).unwrap();
            store.set_email(user.id, &free, false).await.unwrap();
            store.set_email(user.id, &user.email, false).await.unwrap();
        }
        _ => drop(store.delete_user(user.id).await.unwrap()),
    }
}
