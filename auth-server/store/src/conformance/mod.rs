//! What a store must do to be one: every promise of the ports, races included, as tests that every backend runs.
//!
//! A backend's test names how a fresh one is made, and that is all:
//!
//! ```text
//! async fn fresh() -> auth_store::conformance::Subject { … }
//! auth_store::conformance!(fresh);
//! ```

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a test panics when it fails")]

pub mod batching;
mod cases;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod changing;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod ending;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod feed;
mod fixtures;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod forgiving;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod listing;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod maintenance;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod opening;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod pruning;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod races;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod rotating;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod sweeping;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod touching;
pub mod upgrading;
#[expect(missing_docs, reason = "the name of a test is its sentence")]
pub mod users;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use goptri::clock::ManualClock;

use crate::Store;
use auth_domain::{PasswordHash, SessionKey, UserId};

/// A store under test, on a database of its own that is empty: not even migrated.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Moves the time that the store goes by.
    pub clock: ManualClock,
    /// The way around the ports to the same database.
    pub probe: Box<dyn DatabaseProbe>,
    /// Whatever must live as long as the database does.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

/// What tests must be able to do to a database, and nothing else may: behind the store's back, in plain SQL.
#[async_trait]
pub trait DatabaseProbe: Send + Sync {
    /// A second store on the same database and the same clock, as another server has it.
    async fn another_store(&self) -> Arc<dyn Store>;

    /// Disables a person, from now on.
    async fn disable(&self, user: UserId);

    /// Gives a person another password, or none.
    async fn set_password_hash(&self, user: UserId, hash: Option<&PasswordHash>);

    /// Deletes a person's row. Whether the database let that happen.
    async fn delete_user(&self, user: UserId) -> bool;

    /// Makes a session's scope one that does not parse.
    async fn corrupt_session(&self, key: SessionKey);

    /// Makes a person's roles ones that do not parse.
    async fn corrupt_roles(&self, user: UserId);

    /// All of `revocations`, in the order of `seq`.
    async fn revocations(&self) -> Vec<Revocation>;

    /// Begins to put a session's end on record as any verb does, and does not commit before it is told to. On an engine
    /// where one writes at a time, begins only then.
    async fn record_late(&self, subject: &str) -> Box<dyn Late>;

    /// Makes the time stand still but for what the subject's clock is moved. Before the store is first asked anything.
    async fn stop_time(&self);

    /// From now on whatever changes `sessions` fails, and only when it is committed; or no longer.
    async fn fail_commits(&self, fail: bool);

    /// Lets go of every connection.
    async fn close(&self);

    /// Notes a migration that this program does not know, as a newer one would have.
    async fn note_later_migration(&self);
}

/// A transaction that is not committed yet.
#[async_trait]
pub trait Late: Send {
    /// Commits it.
    async fn commit(self: Box<Self>);
}

/// A row of `revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What kind of thing ended.
    pub kind: String,
    /// Which one.
    pub subject: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when anybody must know.
    pub expires_at: DateTime<Utc>,
}

/// Runs a case on a store that is migrated.
pub fn run<F: Future<Output = Subject>>(fresh: impl FnOnce() -> F, case: impl AsyncFnOnce(&Subject)) {
    run_unmigrated(fresh, async |subject: &Subject| {
        subject.store.migrate().await.expect("an empty database is migrated");
        case(subject).await;
    });
}

/// Runs a case on a store as it was made, on a runtime of several threads, so that races are races.
pub fn run_unmigrated<F: Future<Output = Subject>>(
    fresh: impl FnOnce() -> F,
    case: impl AsyncFnOnce(&Subject),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let subject = fresh().await;
        case(&subject).await;
        // A database that nobody is connected to is dropped at once.
        subject.store.close().await;
        subject.probe.close().await;
    });
}
