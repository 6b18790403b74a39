//! The conformance suite: every promise of the ports, races included, as tests that every store runs.
//!
//! A store's tests name a constructor, and that is all: `auth_store::conformance::run(fresh)` is the `main` of a test
//! program without the standard harness.

#![expect(clippy::expect_used, reason = "a test panics when it fails")]
#![deny(dead_code, reason = "a case that no list contains would not run")]

/// Lists the cases of a module.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$(super::Case { name: stringify!($case), run: |subject| Box::pin($case(subject)) }),*];
    };
}

mod addresses;
mod application_races;
mod applications;
mod batching;
mod changing;
mod clients;
mod codes;
mod email_keys;
mod ending;
mod feed;
mod fixtures;
mod forgiving;
mod grants;
mod listing;
mod maintenance;
mod opening;
mod pruning;
mod pushed;
mod races;
mod remembering;
mod rotating;
mod scopes;
mod sign_ins;
mod sweeping;
mod touching;
mod upgrading;
mod users;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use goptri::clock::ManualClock;
use libtest_mimic::{Arguments, Trial};

use crate::Store;
use auth_domain::{PasswordHash, SessionKey, UserId};

/// A store under test, on an empty database of its own.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Moves the store's clock.
    pub clock: ManualClock,
    /// Access to the same database that bypasses the ports.
    pub probe: Box<dyn DatabaseProbe>,
    /// Is dropped after the test, for instance the folder of the database.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

/// What only tests do to a database, in SQL that bypasses the store.
#[async_trait]
pub trait DatabaseProbe: Send + Sync {
    /// A second store on the same database and the same clock, as on another server.
    async fn another_store(&self) -> Arc<dyn Store>;

    /// Disables a user.
    async fn disable(&self, user: UserId);

    /// Replaces or removes a user's password hash.
    async fn set_password_hash(&self, user: UserId, hash: Option<&PasswordHash>);

    /// Deletes the rows of a user and of its address. Returns whether the database allowed it.
    async fn delete_user(&self, user: UserId) -> bool;

    /// Replaces a session's scope by an invalid one.
    async fn corrupt_session(&self, key: SessionKey);

    /// Replaces a user's roles by invalid ones.
    async fn corrupt_roles(&self, user: UserId);

    /// The keys of addresses that only one of `users` and `emails` has, or each with another user.
    async fn stray_email_keys(&self) -> Vec<String>;

    /// Replaces a user's address and its key, as an earlier version would have stored them.
    async fn set_email_and_key(&self, user: UserId, email: &str, key: &str);

    /// Replaces the recorded version of the keys of addresses.
    async fn set_email_key_version(&self, version: i64);

    /// All rows of `revocations`, in the order in which they were recorded.
    async fn revocations(&self) -> Vec<Revocation>;

    /// Records the revocation of a session in a transaction that commits only when [`commit`](OpenTransaction::commit)
    /// is called. On SQLite, where only one connection writes, nothing is recorded before that call.
    async fn record_late(&self, subject: &str) -> Box<dyn OpenTransaction>;

    /// Stops the database's clock, so that only the subject's clock moves the time. Must be called before the case uses
    /// the store.
    async fn stop_time(&self);

    /// Switches on or off that every transaction that changes `sessions` fails, at its commit.
    async fn fail_commits(&self, fail: bool);

    /// Changes the schema after the migration, if the suite runs on another form of it. Called once.
    async fn after_migration(&self) {}

    /// Records the end of a session as another server of the database does, in a distributed one through another node.
    async fn record_elsewhere(&self, subject: &str);

    /// Whether a transaction appears on all servers of the database at the same moment.
    fn commits_appear_at_once(&self) -> bool {
        true
    }

    /// How long an entry may be missing from the feed after its commit, if it was written long before the commit.
    fn late_entry_delay(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// Closes all connections.
    async fn close(&self);

    /// Records a migration that this program does not know, as a newer program would.
    async fn note_later_migration(&self);
}

/// A transaction that has not committed yet.
#[async_trait]
pub trait OpenTransaction: Send {
    /// Commits it.
    async fn commit(self: Box<Self>);
}

/// A row of `revocations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What was revoked.
    pub kind: String,
    /// The id of it.
    pub subject: String,
    /// When it was revoked.
    pub created_at: DateTime<Utc>,
    /// When the row expires.
    pub expires_at: DateTime<Utc>,
}

/// A case. It fails by a panic.
struct Case {
    name: &'static str,
    run: for<'a> fn(&'a Subject) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// The cases that begin with an empty database.
const UNMIGRATED: &[(&str, &[Case])] = &[("maintenance", maintenance::CASES)];

/// The cases that begin with a migrated database.
const MIGRATED: &[(&str, &[Case])] = &[
    ("users", users::CASES),
    ("changing", changing::CASES),
    ("addresses", addresses::CASES),
    ("upgrading", upgrading::CASES),
    ("email_keys", email_keys::CASES),
    ("opening", opening::CASES),
    ("rotating", rotating::CASES),
    ("batching", batching::CASES),
    ("touching", touching::CASES),
    ("forgiving", forgiving::CASES),
    ("ending", ending::CASES),
    ("listing", listing::CASES),
    ("pruning", pruning::CASES),
    ("sweeping", sweeping::CASES),
    ("feed", feed::CASES),
    ("remembering", remembering::CASES),
    ("races", races::CASES),
    ("clients", clients::CASES),
    ("scopes", scopes::CASES),
    ("grants", grants::CASES),
    ("sign_ins", sign_ins::CASES),
    ("codes", codes::CASES),
    ("pushed", pushed::CASES),
    ("application_races", application_races::CASES),
];

/// Runs the whole suite with the arguments of a test program, each case on a subject of its own. Exits the process.
pub fn run<F: Future<Output = Subject> + 'static>(fresh: fn() -> F) -> ! {
    run_all([Suite::new("", fresh)])
}

/// Runs the suite several times, each time on other subjects. Exits the process.
pub fn run_all(suites: impl IntoIterator<Item = Suite>) -> ! {
    let trials = suites.into_iter().flat_map(|suite| suite.0).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// The whole suite on subjects of one kind.
#[derive(Debug)]
pub struct Suite(Vec<Trial>);

impl Suite {
    /// The suite on the subjects that `fresh` makes. The names of its tests begin with `prefix`.
    pub fn new<F: Future<Output = Subject> + 'static>(prefix: &str, fresh: fn() -> F) -> Self {
        let trials = |groups: &'static [(&str, &[Case])], migrate: bool| {
            groups.iter().flat_map(move |(group, cases)| {
                cases.iter().map(move |case| {
                    Trial::test(format!("{prefix}{group}::{}", case.name), move || {
                        run_case(fresh, migrate, case);
                        Ok(())
                    })
                })
            })
        };
        Self(trials(UNMIGRATED, false).chain(trials(MIGRATED, true)).collect())
    }

    /// Only the cases of this group.
    #[must_use]
    pub fn only(self, group: &str) -> Self {
        let group = format!("{group}::");
        Self(self.0.into_iter().filter(|trial| trial.name().contains(&group)).collect())
    }
}

/// Runs a case on a runtime with several threads, so that concurrent verbs do race.
fn run_case<F: Future<Output = Subject>>(fresh: fn() -> F, migrate: bool, case: &Case) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let subject = fresh().await;
        if migrate {
            subject.migrate().await;
        }
        (case.run)(&subject).await;
        if migrate {
            addresses::assert_keys_agree(&subject).await;
        }
        // A database without connections is dropped immediately.
        subject.store.close().await;
        subject.probe.close().await;
    });
}
