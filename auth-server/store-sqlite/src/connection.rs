//! The pools of connections, and the one way to run statements on them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth_store::{Answer, Connections, Connector, Fate, Pool, Sending, StoreError};
use goptri::revocation::SystemMonotonicClock;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::runtime::Handle;

use crate::error::DatabaseError;
use crate::fate::{Failure, fate};

/// A pool that opens the file when it is first used. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPool {
    pool: Pool<SqliteFile>,
    path: Arc<Path>,
}

/// A file, and how to open it.
struct SqliteFile(SqliteConnectOptions);

impl ConnectionPool {
    /// Must be called within a Tokio runtime.
    pub(crate) fn new(options: SqliteConnectOptions, max: u32, path: &Arc<Path>) -> Self {
        let (file, clock) = (SqliteFile(options), Arc::new(SystemMonotonicClock::default()));
        Self { pool: Pool::new(file, max, Handle::current(), clock), path: Arc::clone(path) }
    }

    /// A pool that opens the same file with other options. After a fault, the connections of all pools of the file are
    /// closed: connections of a process share the state of SQLite's write-ahead log, so one old connection keeps the fault.
    pub(crate) fn beside(&self, options: SqliteConnectOptions, max: u32) -> Self {
        Self { pool: self.pool.beside(SqliteFile(options), max), path: Arc::clone(&self.path) }
    }

    /// Runs the statements of an idempotent verb on one connection, and once more on a new one if that fails.
    ///
    /// A statement that writes and returns rows must be read to its end, with `fetch_all`: SQLite commits after the last
    /// row, and `fetch_optional` stops before that and would report success although the commit failed.
    ///
    /// A cancelled verb has happened entirely or not at all: the connection's thread completes the statement that it is
    /// running, and before the connection is used again, a transaction that was not committed is rolled back, even if the
    /// verb was dropped while it began.
    pub(crate) async fn with_connection<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Clone,
    ) -> Result<T, StoreError> {
        Ok(self.run(Sending::Idempotent, verb).await?.value)
    }

    /// Like [`with_connection`](Self::with_connection), but also returns whether the verb was sent twice.
    pub(crate) async fn with_connection_answer<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Clone,
    ) -> Result<Answer<T>, StoreError> {
        self.run(Sending::Idempotent, verb).await
    }

    /// Runs the statements of a verb that must not be sent twice.
    pub(crate) async fn with_connection_once<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Clone,
    ) -> Result<T, StoreError> {
        Ok(self.run(Sending::Once, verb).await?.value)
    }

    /// Runs an idempotent verb as one transaction, which no other connection interrupts by writing.
    pub(crate) async fn transact<T>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        self.with_connection(async |connection| in_transaction(connection, verb).await).await
    }

    /// Like [`transact`](Self::transact), for a verb that must not be sent twice.
    pub(crate) async fn transact_once<T>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        self.with_connection_once(async |connection| in_transaction(connection, verb).await).await
    }

    async fn run<T, E: Into<Failure>>(
        &self,
        sending: Sending,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E> + Clone,
    ) -> Result<Answer<T>, StoreError> {
        let answer = self.pool.run(sending, verb).await;
        answer.map_err(|failure| DatabaseError::of_verb(&self.path, failure).into())
    }

    /// Runs migrations, which may take longer than a verb.
    pub(crate) async fn migrate(&self, migrator: &Migrator) -> Result<(), StoreError> {
        let options = &self.pool.connector().0;
        let mut connection =
            options.connect().await.map_err(|error| DatabaseError::new(&self.path, error))?;
        // `run` takes a pool only, as far as the compiler can tell.
        let migrated: Result<(), MigrateError> = migrator.run_direct(None, &mut connection, false).await;
        // The result of the migration matters; a connection that does not close cleanly is dropped.
        let _ = connection.close().await;
        migrated.map_err(|error| DatabaseError::of_migrator(&self.path, error).into())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn size(&self) -> Connections {
        self.pool.size()
    }
}

async fn in_transaction<T>(
    connection: &mut SqliteConnection,
    verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error>,
) -> Result<T, Failure> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let result = verb(&mut transaction).await?;
    transaction.commit().await.map_err(Failure::Commit)?;
    Ok(result)
}

impl Connector for SqliteFile {
    type Connection = SqliteConnection;
    type Error = Failure;

    /// A file that is lost does not come back by itself.
    const RECONNECT_TIMEOUT: Duration = Duration::ZERO;

    async fn connect(&self) -> Result<SqliteConnection, Failure> {
        Ok(self.0.connect().await?)
    }

    async fn ping(connection: &mut SqliteConnection) -> Result<(), Failure> {
        connection.ping().await?;
        // SQLite rolled the transaction back by itself, and the driver believes that it is still open.
        if connection.is_in_transaction() { Err(Error::BeginFailed.into()) } else { Ok(()) }
    }

    async fn close(connection: SqliteConnection) {
        // Its transaction, if there is one, is rolled back in any case.
        let _ = connection.close().await;
    }

    fn fate(failure: &Failure) -> Fate {
        fate(failure)
    }
}

impl fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteFile")
    }
}
