//! A pool of connections, and the one way to run statements on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth_store::{Connections, StoreError};
use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::time::timeout;

use crate::error::DatabaseError;

/// How long to wait for a connection that is in use.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for the results of one verb.
const VERB_TIMEOUT: Duration = Duration::from_secs(7);

/// A pool. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPool {
    pool: SqlitePool,
    path: Arc<Path>,
}

impl ConnectionPool {
    /// A pool that opens the file when it is first used.
    pub(crate) fn new(options: SqliteConnectOptions, max_connections: u32, path: &Arc<Path>) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        Self { pool, path: Arc::clone(path) }
    }

    /// Runs the statements of a verb on one connection. Returns within about ten seconds whatever happens.
    ///
    /// A statement that writes and returns rows must be read to its end, with `fetch_all`: SQLite commits after the last
    /// row, and `fetch_optional` stops before that and would report success although the commit failed.
    ///
    /// A cancelled verb has happened entirely or not at all: the connection's thread completes the statement that it is
    /// running, and before the driver lends the connection again it rolls back a transaction that was not committed,
    /// even if the verb was dropped while it began.
    pub(crate) async fn with_connection<T>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.error(error))?;
        match timeout(VERB_TIMEOUT, verb(&mut connection)).await {
            Ok(result) => result.map_err(|error| self.error(error)),
            Err(elapsed) => {
                tracing::warn!("no answer from the database file within {VERB_TIMEOUT:?}");
                Err(StoreError::Unavailable(Box::new(elapsed)))
            }
        }
    }

    /// Runs migrations, which may take longer than a verb.
    pub(crate) async fn migrate(&self, migrator: &Migrator) -> Result<(), StoreError> {
        let migrated: Result<(), MigrateError> = migrator.run(&self.pool).await;
        migrated.map_err(|error| DatabaseError::of_migrator(&self.path, error).into())
    }

    fn error(&self, error: sqlx::Error) -> StoreError {
        DatabaseError::new(&self.path, error).into()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn size(&self) -> Connections {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        Connections { open: self.pool.size(), idle }
    }
}
