//! The statements of each verb.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeMap;

use auth_domain::Generation;
use auth_store::{
    Codes, Distribution, EndOutcome, ForgiveOutcome, Grants, IssueCodeOutcome, Maintenance, OpenOutcome,
    Rotation, RunningServers, Sessions, SpendOutcome, StoreError, TouchOutcome,
};
use scratch_pg::{Database, statements_between};
use store_postgres::PostgresStore;

use super::fixtures::{add_ann, add_printer, application, device};

#[tokio::test]
async fn every_verb_of_a_refresh_is_one_statement() {
    let (database, store) = migrated().await;
    let device = device(&add_ann(&store).await, 1);
    store.open_session(&device.sign_in).await.unwrap();
    let meter = Meter(&database);
    for generation in 0..2 {
        let token = device.token(generation);
        let rotation = meter.runs(&["update sessions s"], store.rotate(&token, None)).await;
        assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
    }
    let touching = meter.runs(&["update sessions s"], store.touch(&device.token(2), None)).await;
    assert!(matches!(touching, TouchOutcome::Touched(_)), "{touching:?}");
    let forgiving = store.forgive(device.sign_in.key, Generation::from_number(1).unwrap(), None);
    let forgiving = meter.runs(&["update sessions s"], forgiving).await;
    assert!(matches!(forgiving, ForgiveOutcome::Forgiven(_)), "{forgiving:?}");
    let replaced = ["update sessions s", "select s.user_id"];
    let rotation = meter.runs(&replaced, store.rotate(&device.token(0), None)).await;
    assert!(matches!(rotation, Rotation::NotCurrent(_)), "{rotation:?}");
}

/// In the order of the locks that they take: the user, sessions, addresses, revocations.
#[tokio::test]
async fn every_verb_that_opens_or_ends_sessions_is_a_short_transaction() {
    let (database, store) = migrated().await;
    let user = add_ann(&store).await;
    let devices = [1, 2, 3, 4].map(|number| device(&user, number));
    let meter = Meter(&database);
    let transaction = |statements: &[&'static str]| [&["begin"], statements, &["COMMIT"]].concat();

    let open = transaction(&["select email", "insert into sessions"]);
    for device in &devices {
        let opening = meter.runs(&open, store.open_session(&device.sign_in)).await;
        assert!(matches!(opening, OpenOutcome::Opened(_)), "{opening:?}");
    }
    let [one, two, three, four] = devices.map(|device| device.sign_in.key);
    assert_eq!(meter.runs(&["select count(*)"], store.prune_excess(four, 4)).await, 0);
    let end_each = ["insert into revocations", "delete from sessions"];
    let prune = transaction(&["with excess as", end_each[0], end_each[1]]);
    let prune = [&["select count(*)"], prune.as_slice()].concat();
    assert_eq!(meter.runs(&prune, store.prune_excess(four, 3)).await, 1);
    let end = transaction(&["delete from sessions", "insert into revocations"]);
    assert_eq!(meter.runs(&end, store.end_session(two, None)).await, EndOutcome::Ended);
    let end = transaction(&["delete from sessions", "select id from sessions", "insert into revocations"]);
    assert_eq!(meter.runs(&end, store.end_session(one, None)).await, EndOutcome::WasGone);
    let end_all = transaction(&[
        "select id from users",
        "select id from sessions",
        end_each[0],
        end_each[1],
        "delete from codes",
    ]);
    assert_eq!(meter.runs(&end_all, store.end_sessions_of(user.id, Some(three.id))).await, 1);
}

/// In the same order: the user, sessions, codes, revocations. Only the end of a sign-in looks for sessions that belong to it.
#[tokio::test]
async fn every_verb_of_an_application_is_a_short_transaction() {
    let (database, store) = migrated().await;
    let ann = add_ann(&store).await;
    let client = add_printer(&store).await;
    let (sign_in, code, session) = application(&ann, &client, 1);
    store.open_session(&sign_in).await.unwrap();
    let meter = Meter(&database);
    let transaction = |statements: &[&'static str]| [&["begin"], statements, &["COMMIT"]].concat();

    store.put_grant(ann.id, &client.id, &client.scope, &[]).await.unwrap();
    let issue = [
        "select id from users",
        "update sessions set last_used_at",
        "select statement_timestamp()",
        "select client_id from grants",
        "insert into codes",
    ];
    let issued = meter.runs(&transaction(&issue), store.issue_code(&code)).await;
    assert_eq!(issued, IssueCodeOutcome::Issued);
    let open =
        ["select email", "select auth_time", "select statement_timestamp()", "select client_id from grants"];
    let redeem = [&open[..], &["update codes", "insert into sessions"]].concat();
    let spent = meter.runs(&transaction(&redeem), store.spend_code(&code.key, &session)).await;
    assert!(matches!(spent, SpendOutcome::Opened(_)), "{spent:?}");
    let end = [
        "delete from sessions",
        "select id from sessions",
        "insert into revocations",
        "delete from sessions",
        "delete from codes",
        "insert into revocations",
    ];
    let ended = meter.runs(&transaction(&end), store.end_session(sign_in.key, None)).await;
    assert_eq!(ended, EndOutcome::Ended);
    let spent = store.spend_code(&code.key, &session).await.unwrap();
    assert_eq!(spent, SpendOutcome::Refused, "its session has ended");
}

/// A store with one connection, which has run the statements that a new connection runs once.
async fn migrated() -> (Database, PostgresStore) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    store.ready().await.unwrap();
    store.layout().await.unwrap();
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

    /// The result of a verb. Asserts that it runs statements with these beginnings, and no others.
    async fn runs<T>(&self, expected: &[&str], verb: impl Future<Output = Result<T, StoreError>>) -> T {
        let (answer, statements) = self.during(verb).await;
        let mut run: Vec<_> = statements
            .into_iter()
            .flat_map(|(statement, times)| vec![statement; usize::try_from(times).unwrap()])
            .collect();
        for beginning in expected {
            let Some(found) = run.iter().position(|statement| statement.starts_with(beginning)) else {
                panic!("{beginning:?} is not one of the statements {run:#?}")
            };
            run.swap_remove(found);
        }
        assert!(run.is_empty(), "it also runs {run:#?}");
        answer
    }
}
