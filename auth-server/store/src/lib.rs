//! The ports: what the rules ask of a database.
//!
//! Each method is one atomic promise and answers with an enum. A race is decided by one conditional
//! statement, never by reading first and writing then. No transaction crosses this boundary.

mod batching;
#[cfg(feature = "conformance")]
pub mod conformance;
mod revocations;
mod sessions;
mod users;

use async_trait::async_trait;

pub use batching::{Batch, BatchReply, MAX_BATCH, MAX_WAIT_FOR_IN_FLIGHT, RotateRequest, RotationBatcher};
pub use revocations::{
    Cursor, REVOCATION_LIFETIME, RevocationKind, RevocationPage, RevocationRecord, Revocations,
};
pub use sessions::{
    EndOutcome, ForgiveOutcome, MAX_PRUNED_PER_SIGN_IN, OpenOutcome, Rotation, SessionSweep, Sessions,
    TouchOutcome,
};
pub use users::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, UpgradeOutcome, Users};

/// A whole store.
pub trait Store: Users + Sessions + Revocations + Maintenance {}
impl<S: Users + Sessions + Revocations + Maintenance> Store for S {}

/// What a store is asked apart from its contents.
#[async_trait]
pub trait Maintenance: Send + Sync + 'static {
    /// Brings the schema up to date. Several processes may do so at the same time.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Whether the database answers and its schema is the one that this program knows.
    async fn ready(&self) -> Result<Readiness, StoreError>;

    /// How many connections to the database are open, for metrics. Does not wait.
    fn connections(&self) -> Connections;

    /// Lets go of every connection, once those in use are done.
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

/// The state of a database that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Its schema has every migration of this program. It may have later ones.
    Ready,
    /// Migrations are missing.
    NotMigrated,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or not in time. Trying again later may help.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// The schema is not there, or not up to date.
    #[error("the database lacks migrations; `auth-server migrate` brings it up to date")]
    NotMigrated(#[source] Source),
    /// The database refused for a reason that no rule here expects.
    #[error("the database refused")]
    Conflict(#[source] Source),
    /// A row holds what cannot be.
    #[error("the row {id} of {table} is corrupt: {what}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// Which column.
        what: &'static str,
    },
}

/// The engine's own error, for the log.
pub type Source = Box<dyn std::error::Error + Send + Sync>;
