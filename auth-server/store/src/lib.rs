//! The ports to storage.
//!
//! Each method is one atomic verb, and its result is an enum. One conditional statement or one transaction decides a race.
//! No transaction crosses this boundary.

mod batching;
#[cfg(feature = "conformance")]
pub mod conformance;
mod distribution;
mod email_keys;
mod oauth;
mod pool;
mod revocations;
mod sessions;
mod users;

use async_trait::async_trait;

pub use batching::{RotateBatch, RotateRequest, RotatedRow, RotationBatcher};
pub use distribution::{Distribution, DistributionPlan, Layout, Placement, RefreshBatching, TablePlan};
pub use email_keys::{EmailKeys, SetKeyOutcome};
pub use oauth::{
    AddClientOutcome, CODE_RETENTION, ChangeClientOutcome, Clients, Codes, Grants, IssueCodeOutcome,
    OPENED_REQUEST_LIFETIME, OpenApplicationOutcome, PushedRequests, RegisteredScopes, SignIns, SpendOutcome,
};
pub use pool::{Answer, Connector, Fate, Pool, PoolError, Sending};
pub use revocations::{
    Cursor, REVOCATION_LIFETIME, RevocationId, RevocationKind, RevocationPage, RevocationRecord, Revocations,
};
pub use sessions::{
    EndOutcome, ForgiveOutcome, MAX_PRUNED_PER_SIGN_IN, OpenOutcome, Rotation, SessionSweep, Sessions,
    TouchOutcome,
};
pub use users::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, UpgradeOutcome, Users};

/// A whole store.
pub trait Store: Users + EmailKeys + Sessions + Revocations + OAuth + Maintenance + Distribution {}
impl<S: Users + EmailKeys + Sessions + Revocations + OAuth + Maintenance + Distribution> Store for S {}

/// The ports of the authorization server.
pub trait OAuth: Clients + RegisteredScopes + Grants + SignIns + Codes + PushedRequests {}
impl<S: Clients + RegisteredScopes + Grants + SignIns + Codes + PushedRequests> OAuth for S {}

/// The maintenance of a store.
#[async_trait]
pub trait Maintenance: Send + Sync + 'static {
    /// Checks the properties of the database server that a store needs and that no retry can change. An unmigrated
    /// database passes.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] with a remedy. [`StoreError::Unavailable`] if the server does not answer.
    async fn check_server(&self) -> Result<(), StoreError>;

    /// Applies missing migrations. Several processes may do so at the same time.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] with a remedy if the database [needs stopped
    /// servers](Readiness::NeedsStoppedServers) and they are not known to be stopped. Nothing changed then.
    async fn migrate(&self, servers: RunningServers) -> Result<(), StoreError>;

    /// Checks that the database answers, whether it has all migrations of this program, and whether its keys of e-mail
    /// addresses are those of this program.
    async fn ready(&self) -> Result<Readiness, StoreError>;

    /// Commits a write, as proof that writes are possible. Only in a migrated database.
    async fn probe_write(&self) -> Result<(), StoreError>;

    /// The host of the database that is used now, for messages; all hosts while none is used. `None`: there is only
    /// one.
    fn host(&self) -> Option<String>;

    /// How many connections to the database are open, for metrics. Does not wait.
    fn connections(&self) -> Connections;

    /// Closes all connections, after those in use have been returned.
    async fn close(&self);
}

/// The connections of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Open, idle or not.
    pub open: u32,
    /// Open and not in use.
    pub idle: u32,
}

/// Whether servers of an earlier version may be using the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningServers {
    /// They may be running.
    Possible,
    /// An operator has stopped all of them.
    Stopped,
}

/// The remedy for [`Readiness::NeedsStoppedServers`].
pub const STOP_SERVERS: &str = "stop all servers, then run `auth-server migrate --servers-stopped`";

/// The state of a database that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has every migration of this program, and may have later ones.
    Ready,
    /// Migrations are missing, or the keys of e-mail addresses are those of earlier rules.
    NotMigrated,
    /// A migration is missing that breaks running servers of an earlier version. [`migrate`](Maintenance::migrate) applies
    /// it only once they are [stopped](RunningServers::Stopped).
    NeedsStoppedServers,
}

/// An error of a store. Displays as one sentence for operators: where, one cause, and a remedy where there is one.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or not in time. A later retry may succeed.
    #[error("the database is not available: {0}")]
    Unavailable(Source),
    /// The database lacks migrations.
    #[error("the database lacks migrations: {0}; run `auth-server migrate`")]
    NotMigrated(Source),
    /// The database refused the statement, or the connection.
    #[error("the database refused: {0}")]
    Conflict(Source),
    /// The database cannot be used until an operator changes it.
    #[error("the database cannot be used: {0}")]
    Unsuitable(Source),
    /// A row contains an invalid value.
    #[error("the row {id} of {table} is corrupt: invalid {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The id of the row.
        id: String,
        /// The column.
        what: &'static str,
    },
}

/// The engine's error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;
