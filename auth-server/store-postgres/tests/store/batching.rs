//! Refreshes that arrive while another is under way go in one statement, and none of them notices.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::pin::Pin;

use auth_store::{Maintenance, Rotation, Sessions, StoreError};
use futures_util::future::{join_all, maybe_done};
use scratch_pg::{Database, statements_between};
use sqlx::PgPool;
use store_postgres::PostgresStore;

use super::faults::pool;
use super::fixtures::{Device, device, somebody};

const GROUPED: &str = "with request as";

/// A store in which Ann is signed in on so many devices.
async fn signed_in(devices: u128) -> (Database, PostgresStore, Vec<Device>) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 4).unwrap();
    store.migrate().await.unwrap();
    let person = somebody(&store).await;
    let devices: Vec<_> = (1..=devices).map(|number| device(&person, number)).collect();
    for device in &devices {
        store.open_session(&device.sign_in).await.unwrap();
    }
    (database, store, devices)
}

fn generation(rotation: &Result<Rotation, StoreError>) -> (bool, i64) {
    match rotation {
        Ok(Rotation::Rotated(snapshot)) => (true, snapshot.session.generation.number()),
        Ok(Rotation::NotCurrent(snapshot)) => (false, snapshot.session.generation.number()),
        other => panic!("{other:?}"),
    }
}

/// Somebody works on that device's session, and goes on until what is returned is dropped.
async fn at_work_on(pool: &PgPool, device: &Device) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin_with("begin").await.unwrap();
    let lock = "select from sessions where user_id = $1 and id = $2 for update";
    let key = device.sign_in.key;
    sqlx::query(lock).bind(key.user_id.0).bind(key.id.0).execute(&mut *transaction).await.unwrap();
    transaction
}

#[tokio::test]
async fn who_waits_goes_in_one_statement_and_each_gets_its_own_session() {
    let (database, store, devices) = signed_in(20).await;
    // On a machine that is very busy, each may have lost patience with the one before it: then the next turn.
    for turn in 0..100 {
        let before = database.statements().await;
        let tokens: Vec<_> = devices.iter().map(|device| device.token(turn)).collect();
        let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
        for (device, rotation) in devices.iter().zip(rotations) {
            let Ok(Rotation::Rotated(snapshot)) = rotation else { panic!("{rotation:?}") };
            assert_eq!(snapshot.session.key, device.sign_in.key);
            assert_eq!(snapshot.session.generation.number(), i64::from(turn) + 1);
        }
        let statements = statements_between(&before, database.statements().await);
        let of = |beginning: &str| -> i64 {
            statements.iter().filter(|(text, _)| text.starts_with(beginning)).map(|(_, times)| times).sum()
        };
        if of(GROUPED) > 0 && of("update sessions s") + of(GROUPED) <= 3 {
            return;
        }
    }
    panic!("twenty refreshes at once never shared a statement");
}

/// As if one came after the other.
#[tokio::test]
async fn of_several_for_one_session_exactly_one_rotates_in_a_group_too() {
    let (_database, store, devices) = signed_in(3).await;
    let tokens: Vec<_> = [0, 1, 1, 2, 1, 2].map(|number: usize| devices[number].token(0)).into();
    let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
    let rotated = rotations.iter().map(generation).filter(|(rotated, generation)| {
        assert_eq!(*generation, 1);
        *rotated
    });
    assert_eq!(rotated.count(), 3, "one a session: {rotations:?}");
}

/// A group waits for no row; whoever needs that row does, and gets it.
#[tokio::test]
async fn nobody_in_a_group_waits_for_another_s_session() {
    let (database, store, devices) = signed_in(4).await;
    let pool = pool(&database).await;
    for held in [0, 2] {
        // Also the one that goes alone, before the others.
        let turn = u32::from(held == 2);
        let at_work = at_work_on(&pool, &devices[held]).await;
        let tokens: Vec<_> = devices.iter().map(|device| device.token(turn)).collect();
        let mut all: Vec<_> =
            tokens.iter().map(|token| Box::pin(store.rotate(token, None))).enumerate().collect();
        let (_, waits) = all.remove(held);
        let others = join_all(all.into_iter().map(|(_, rotation)| rotation));
        let others_and_it = async {
            let mut waits = waits;
            // In the order in which they came: it joins first or among them.
            let mut others = Box::pin(others);
            let answered = std::future::poll_fn(|context| {
                let _ = held == 0 && waits.as_mut().poll(context).is_ready();
                let answered = others.as_mut().poll(context);
                assert!(waits.as_mut().poll(context).is_pending(), "somebody works on it");
                answered
            })
            .await;
            (answered, waits)
        };
        let (answered, waits) = others_and_it.await;
        assert!(answered.iter().all(|rotation| generation(rotation).0), "{answered:?}");
        at_work.commit().await.unwrap();
        assert!(generation(&waits.await).0);
    }
}

#[tokio::test]
async fn who_goes_away_and_who_cannot_be_read_cost_the_others_nothing() {
    let (database, store, devices) = signed_in(5).await;
    let pool = pool(&database).await;
    let corrupt = "update sessions set scope = 'a\"b' where id = $1";
    sqlx::query(corrupt).bind(devices[2].sign_in.key.id.0).execute(&pool).await.unwrap();
    let tokens: Vec<_> = devices.iter().map(|device| device.token(0)).collect();
    let mut all: Vec<_> =
        tokens.iter().map(|token| Box::pin(maybe_done(store.rotate(token, None)))).collect();
    // Each has asked; on a machine that is very busy, one or the other may be answered by now.
    std::future::poll_fn(|context| {
        for rotation in &mut all {
            let _ = rotation.as_mut().poll(context);
        }
        std::task::Poll::Ready(())
    })
    .await;
    drop(all.remove(3));
    join_all(all.iter_mut().map(Pin::as_mut)).await;
    let rotations: Vec<_> = all.iter_mut().map(|rotation| rotation.as_mut().take_output().unwrap()).collect();
    assert!(matches!(rotations[2], Err(StoreError::Corrupt { .. })), "{rotations:?}");
    for rotation in [&rotations[0], &rotations[1], &rotations[3]] {
        assert_eq!(generation(rotation), (true, 1));
    }
    // It had gone with the others, or goes now.
    assert_eq!(generation(&store.rotate(&devices[3].token(0), None).await).1, 1);
}

#[tokio::test]
async fn without_its_database_everybody_is_told_so() {
    let (database, store, devices) = signed_in(3).await;
    let pool = pool(&database).await;
    sqlx::query("alter table sessions rename to gone").execute(&pool).await.unwrap();
    let tokens: Vec<_> = devices.iter().map(|device| device.token(0)).collect();
    let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
    assert!(
        rotations.iter().all(|rotation| matches!(rotation, Err(StoreError::NotMigrated(_)))),
        "{rotations:?}"
    );
    sqlx::query("alter table gone rename to sessions").execute(&pool).await.unwrap();
    let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
    assert!(rotations.iter().all(|rotation| generation(rotation) == (true, 1)), "{rotations:?}");
    store.close().await;
    let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
    assert!(
        rotations.iter().all(|rotation| matches!(rotation, Err(StoreError::Unavailable(_)))),
        "{rotations:?}"
    );
}
