//! Refreshes that arrive while another one is in flight share one statement, without any effect on their results.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::pin::Pin;

use auth_store::{Maintenance, Rotation, RunningServers, Sessions, StoreError};
use futures_util::future::{join_all, maybe_done};
use scratch_pg::{Database, statements_between};
use sqlx::PgPool;
use store_postgres::PostgresStore;

use super::faults::pool;
use super::fixtures::{Device, add_ann, device};

const BATCH: &str = "with request as";

/// A store in which Ann is signed in on this many devices.
async fn signed_in(devices: u128) -> (Database, PostgresStore, Vec<Device>) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 4).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    let user = add_ann(&store).await;
    let devices: Vec<_> = (1..=devices).map(|number| device(&user, number)).collect();
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

/// Locks the session of a device until the returned transaction ends.
async fn lock_session(pool: &PgPool, device: &Device) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin_with("begin").await.unwrap();
    let lock = "select from sessions where user_id = $1 and id = $2 for update";
    let key = device.sign_in.key;
    sqlx::query(lock).bind(key.user_id.0).bind(key.id.0).execute(&mut *transaction).await.unwrap();
    transaction
}

#[tokio::test]
async fn concurrent_refreshes_share_a_statement_and_each_gets_its_own_session() {
    let (database, store, devices) = signed_in(20).await;
    // On a busy machine, each batch may have stopped waiting for the one before it. Then another attempt.
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
        if of(BATCH) > 0 && of("update sessions s") + of(BATCH) <= 3 {
            return;
        }
    }
    panic!("twenty concurrent refreshes never shared a statement");
}

/// As if they came one after the other.
#[tokio::test]
async fn of_several_refreshes_of_one_session_in_a_batch_exactly_one_rotates() {
    let (_database, store, devices) = signed_in(3).await;
    let tokens: Vec<_> = [0, 1, 1, 2, 1, 2].map(|number: usize| devices[number].token(0)).into();
    let rotations = join_all(tokens.iter().map(|token| store.rotate(token, None))).await;
    let rotated = rotations.iter().map(generation).filter(|(rotated, generation)| {
        assert_eq!(*generation, 1);
        *rotated
    });
    assert_eq!(rotated.count(), 3, "one a session: {rotations:?}");
}

/// A batch waits for no row. The request for the locked session waits alone, and rotates it.
#[tokio::test]
async fn a_locked_session_delays_no_other_request_of_a_batch() {
    let (database, store, devices) = signed_in(4).await;
    let pool = pool(&database).await;
    for held in [0, 2] {
        // First also the request that runs alone, before the others.
        let turn = u32::from(held == 2);
        let lock = lock_session(&pool, &devices[held]).await;
        let tokens: Vec<_> = devices.iter().map(|device| device.token(turn)).collect();
        let mut all: Vec<_> =
            tokens.iter().map(|token| Box::pin(store.rotate(token, None))).enumerate().collect();
        let (_, waits) = all.remove(held);
        let others = join_all(all.into_iter().map(|(_, rotation)| rotation));
        let others_and_it = async {
            let mut waits = waits;
            // The request for the locked session comes first, or among the others.
            let mut others = Box::pin(others);
            let answered = std::future::poll_fn(|context| {
                let _ = held == 0 && waits.as_mut().poll(context).is_ready();
                let answered = others.as_mut().poll(context);
                assert!(waits.as_mut().poll(context).is_pending(), "its session is locked");
                answered
            })
            .await;
            (answered, waits)
        };
        let (answered, waits) = others_and_it.await;
        assert!(answered.iter().all(|rotation| generation(rotation).0), "{answered:?}");
        lock.commit().await.unwrap();
        assert!(generation(&waits.await).0);
    }
}

#[tokio::test]
async fn a_cancelled_or_corrupt_request_does_not_affect_the_others_of_a_batch() {
    let (database, store, devices) = signed_in(5).await;
    let pool = pool(&database).await;
    let corrupt = "update sessions set scope = 'a\"b' where id = $1";
    sqlx::query(corrupt).bind(devices[2].sign_in.key.id.0).execute(&pool).await.unwrap();
    let tokens: Vec<_> = devices.iter().map(|device| device.token(0)).collect();
    let mut all: Vec<_> =
        tokens.iter().map(|token| Box::pin(maybe_done(store.rotate(token, None)))).collect();
    // All requests have started. On a busy machine, some may have ended.
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
    // It rotated in the batch, or rotates now.
    assert_eq!(generation(&store.rotate(&devices[3].token(0), None).await).1, 1);
}

#[tokio::test]
async fn an_error_of_a_batch_reaches_every_request() {
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
