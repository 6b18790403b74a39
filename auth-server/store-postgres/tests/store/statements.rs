//! The number of statements of each verb.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use auth_domain::Generation;
use auth_store::{
    EndOutcome, ForgiveOutcome, Maintenance, OpenOutcome, Rotation, RunningServers, Sessions, StoreError,
    TouchOutcome,
};
use scratch_pg::{Database, statements_between};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, device};

#[tokio::test]
async fn every_common_verb_of_a_session_is_one_statement() {
    let (database, store) = migrated().await;
    let device = device(&add_ann(&store).await, 1);
    let key = device.sign_in.key;
    let meter = Meter(&database);

    let opening = meter.one("with owner as", store.open_session(&device.sign_in)).await;
    assert!(matches!(opening, OpenOutcome::Opened(_)), "{opening:?}");
    for generation in 0..2 {
        let token = device.token(generation);
        let rotation = meter.one("update sessions s", store.rotate(&token, None)).await;
        assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
    }
    let touching = meter.one("update sessions s", store.touch(&device.token(2), None)).await;
    assert!(matches!(touching, TouchOutcome::Touched(_)), "{touching:?}");
    let forgiving = store.forgive(key, Generation::from_number(1).unwrap(), None);
    let forgiving = meter.one("update sessions s", forgiving).await;
    assert!(matches!(forgiving, ForgiveOutcome::Forgiven(_)), "{forgiving:?}");
    let surplus = meter.one("with excess as", store.prune_excess(key, 1)).await;
    assert_eq!(surplus, 0);
    let ending = meter.one("with wrong as", store.end_session(key, None)).await;
    assert_eq!(ending, EndOutcome::Ended);
}

/// This also shows that the counter works.
#[tokio::test]
async fn uncommon_verbs_take_more_statements() {
    let (database, store) = migrated().await;
    let user = add_ann(&store).await;
    let device = device(&user, 1);
    store.open_session(&device.sign_in).await.unwrap();
    store.rotate(&device.token(0), None).await.unwrap();
    let meter = Meter(&database);
    let (_, replaced) = meter.during(store.rotate(&device.token(0), None)).await;
    assert_eq!(replaced.values().sum::<i64>(), 2, "an update and a read: {replaced:#?}");
    let (_, all) = meter.during(store.end_sessions_of(user.id, None)).await;
    assert_eq!(all.values().sum::<i64>(), 4, "a transaction of two: {all:#?}");
    assert!(["begin", "COMMIT"].iter().all(|word| all.contains_key(*word)), "{all:#?}");
}

/// A store with one connection, which has run the statements that a new connection runs once.
async fn migrated() -> (Database, PostgresStore) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    store.ready().await.unwrap();
    (database, store)
}

struct Meter<'a>(&'a Database);

impl Meter<'_> {
    /// The result of a verb, and its statements.
    async fn during<T>(
        &self,
        verb: impl Future<Output = Result<T, StoreError>>,
    ) -> (T, BTreeMap<String, i64>) {
        let before = self.0.statements().await;
        let answer = verb.await.unwrap();
        (answer, statements_between(&before, self.0.statements().await))
    }

    /// The result of a verb. Asserts that it is one statement with this beginning.
    async fn one<T: Debug>(&self, beginning: &str, verb: impl Future<Output = Result<T, StoreError>>) -> T {
        let (answer, statements) = self.during(verb).await;
        let statements: Vec<_> = statements.into_iter().collect();
        let [(statement, 1)] = statements.as_slice() else { panic!("not one statement: {statements:#?}") };
        assert!(statement.starts_with(beginning), "{statement}");
        answer
    }
}
