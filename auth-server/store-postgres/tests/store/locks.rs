//! Who waits for whom: a deadlock reaches no caller, a sweep takes nobody's connection, and neither a sweep nor a
//! sign-in that ends what is too many waits for a row, nor does whoever follows what ends wait for anybody.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use auth_domain::{NewSession, NewUser, SessionId, SessionKey};
use auth_store::{ChangeOutcome, Revocations, SessionSweep, Sessions, Users};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use store_postgres::PostgresStore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::faults::{migrated, person, pool, sign_in, somebody_waits_for_a_lock};

const LOCK: &str = "select from sessions where id = $1 for update";

/// Two sessions of that person, in the order of their ids.
async fn two_sessions(
    store: &PostgresStore,
    person: &NewUser,
    lifetime: Option<TimeDelta>,
) -> [SessionId; 2] {
    let ids = [10, 11].map(|id| SessionId(Uuid::from_u128(id)));
    for id in ids {
        let key = SessionKey { user_id: person.id, id };
        store.open_session(&NewSession { key, lifetime, ..sign_in(person) }).await.unwrap();
    }
    ids
}

/// Somebody locks two sessions the other way round. Postgres undoes the end of all, which has waited longer.
#[tokio::test]
async fn an_end_of_all_that_a_deadlock_undid_is_run_again() {
    let (database, store) = migrated().await;
    let person = person();
    store.add_user(&person).await.unwrap();
    let [first, last] = two_sessions(&store, &person, None).await;
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query("set local deadlock_timeout = '1min'").execute(&mut *other).await.unwrap();
    sqlx::query(LOCK).bind(last.0).execute(&mut *other).await.unwrap();

    let disabling = tokio::spawn(async move { store.disable_user(person.id).await });
    while !disabling.is_finished() && !somebody_waits_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();
    other.commit().await.unwrap();

    assert_eq!(disabling.await.unwrap().unwrap(), ChangeOutcome::Changed { ended_sessions: 2 });
}

#[tokio::test]
async fn a_sweep_leaves_out_what_somebody_works_on_and_needs_no_connection_of_the_others() {
    let (database, store) = migrated().await;
    let person = person();
    store.add_user(&person).await.unwrap();
    let [first, _] = two_sessions(&store, &person, Some(TimeDelta::zero())).await;
    let clock = ManualClock::default();
    let sweeping = PostgresStore::connect(database.url(), 1).unwrap().with_clock_offset(clock.clone());
    clock.advance(TimeDelta::hours(3));
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();
    // Takes the only connection of those who are waited for, and waits with it.
    let busy = {
        let store = sweeping.clone();
        tokio::spawn(async move { store.end_sessions_of(person.id, None).await })
    };
    while !busy.is_finished() && !somebody_waits_for_a_lock(&pool).await {
        tokio::task::yield_now().await;
    }

    let swept = sweeping.sweep_sessions(None, 10, None).await.unwrap();
    assert_eq!(swept, SessionSweep { swept: 1, last: None });
    other.rollback().await.unwrap();
    assert_eq!(busy.await.unwrap().unwrap(), 1);
}

/// Another server puts something on record while all that this one may have wait for a row.
#[tokio::test]
async fn whoever_follows_what_ends_needs_no_connection_of_the_others() {
    let (database, elsewhere) = migrated().await;
    let person = person();
    elsewhere.add_user(&person).await.unwrap();
    let store = PostgresStore::connect(database.url(), PostgresStore::MAX_CONNECTIONS).unwrap();
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    let lock = "select from users where id = $1 for update";
    sqlx::query(lock).bind(person.id.0).execute(&mut *other).await.unwrap();
    let mut busy = JoinSet::new();
    for _ in 0..PostgresStore::MAX_CONNECTIONS {
        let store = store.clone();
        busy.spawn(async move { store.end_sessions_of(person.id, None).await });
    }
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let all = i64::from(PostgresStore::MAX_CONNECTIONS);
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() < all {
        assert!(busy.try_join_next().is_none(), "somebody did not wait");
    }

    let newest = store.newest_revocation().await.unwrap();
    elsewhere.revoke_token("told").await.unwrap();
    let page = store.follow_revocations(Some(&newest), 10).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| &entry.subject).collect::<Vec<_>>(), ["told"]);
    assert!(busy.try_join_next().is_none(), "all are held all the while");
    other.rollback().await.unwrap();
    for ended in busy.join_all().await {
        assert_eq!(ended.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_somebody_works_on_is_no_surplus_and_the_next_one_does_not_end_in_its_place() {
    let (database, store) = migrated().await;
    let person = person();
    store.add_user(&person).await.unwrap();
    let [first, last] = two_sessions(&store, &person, None).await;
    let opened = SessionKey { user_id: person.id, id: SessionId(Uuid::from_u128(12)) };
    store.open_session(&NewSession { key: opened, ..sign_in(&person) }).await.unwrap();
    let pool = pool(&database).await;
    let mut other = pool.begin_with("begin").await.unwrap();
    sqlx::query(LOCK).bind(first.0).execute(&mut *other).await.unwrap();

    assert_eq!(store.prune_excess(opened, 2).await.unwrap(), 0);
    assert_eq!(store.prune_excess(opened, 1).await.unwrap(), 1);
    other.rollback().await.unwrap();
    let left: Vec<_> = store.list_sessions(person.id, None, 9).await.unwrap().iter().map(|s| s.id).collect();
    assert!(left == [first, opened.id] && !left.contains(&last), "{left:?}");
    assert_eq!(store.prune_excess(opened, 1).await.unwrap(), 1);
}
