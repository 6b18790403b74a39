//! The connections, and what a store is asked apart from its contents.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_store::{Connections, Maintenance, Readiness, RotationBatcher, StoreError};
use goptri::clock::Clock;
use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::error::{migration_error, store_error};
use crate::file;
use crate::rotate::grouping;
use crate::rows::Micros;

/// How long to wait for a connection that is in use.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long SQLite waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for the answers of one verb.
const VERB_TIMEOUT: Duration = Duration::from_secs(7);

/// Reading is seldom more than one look-up, so a few threads do.
const READERS: u32 = 4;

/// The store in one SQLite file. Clones share their connections.
///
/// One connection writes, so that those who wait for it do so in order; others read meanwhile.
#[derive(Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// The refreshes that wait for their turn.
    pub(crate) rotations: RotationBatcher,
    /// Told of each end that this store has committed.
    pub(crate) appended: Arc<Notify>,
}

impl SqliteStore {
    /// The file that a URL names. It may not exist.
    pub fn path_of(url: &str) -> Result<PathBuf, StoreError> {
        let options: SqliteConnectOptions = url.parse().map_err(store_error)?;
        Ok(options.get_filename().to_owned())
    }

    /// A store in the file of that URL, whose times are those of `clock`. Within a Tokio runtime.
    ///
    /// A file that is missing is created, for its owner alone. Fails when the URL names no file, or it cannot be
    /// created.
    pub fn connect(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let options: SqliteConnectOptions = url.parse().map_err(store_error)?;
        let path = options.get_filename().to_owned();
        file::must_be_a_file(url, &path).map_err(|error| StoreError::Conflict(Box::new(error)))?;
        file::create_if_missing(&path).map_err(|error| StoreError::Conflict(Box::new(error)))?;
        // What is acknowledged must survive a power cut: a sign-out above all.
        let options = options
            .create_if_missing(false)
            .shared_cache(false)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(CONNECT_TIMEOUT)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writing = options.clone().journal_mode(SqliteJournalMode::Wal);
        let writer = pool().max_connections(1).connect_lazy_with(writing);
        Ok(Self {
            rotations: grouping(writer.clone(), Arc::clone(&clock)),
            writer,
            readers: pool().max_connections(READERS).connect_lazy_with(options.pragma("query_only", "on")),
            path,
            clock,
            appended: Arc::default(),
        })
    }

    /// The time now. Asked for within a verb, once it has its connection: who waited is not older for it.
    pub(crate) fn now(&self) -> Micros {
        Micros::of(self.clock.now())
    }

    /// Tells who waits for it that something was put on record, and committed.
    pub(crate) fn notify_appended(&self) {
        self.appended.notify_one();
    }

    /// Runs a verb's statements on the connection that writes, and comes back within ten seconds or so whatever
    /// happens.
    ///
    /// A statement that gives rows must be read to its end, by `fetch_all`: SQLite commits after the last row, and
    /// `fetch_optional` looks away before that and calls a success what the disk refused.
    ///
    /// A verb that nobody waits for any more has happened entirely or not at all: the connection's thread finishes the
    /// statement that it is at, and the driver rolls back a transaction that was not committed before it gives the
    /// connection to anybody else, also when it was dropped while it began.
    pub(crate) async fn write<T>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        ask(&self.writer, verb).await
    }

    /// Runs a verb's statements on a connection that only reads.
    pub(crate) async fn read<T>(
        &self,
        verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        ask(&self.readers, verb).await
    }
}

pub(crate) async fn ask<T>(
    pool: &SqlitePool,
    verb: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, StoreError> {
    let mut connection = pool.acquire().await.map_err(store_error)?;
    match timeout(VERB_TIMEOUT, verb(&mut connection)).await {
        Ok(answer) => answer.map_err(store_error),
        Err(elapsed) => {
            tracing::warn!("the database file did not answer within {VERB_TIMEOUT:?}");
            Err(StoreError::Unavailable(Box::new(elapsed)))
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Maintenance for SqliteStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        // The driver's migrator locks nothing on SQLite, nor may several change a new file to WAL at a time.
        // It waits as long as another holds it. What fails at once, such as a folder that may not be written to, will
        // fail again.
        let lock = file::lock(&self.path).await.map_err(|error| StoreError::Conflict(Box::new(error)))?;
        let migrated = migrator().run(&self.writer).await.map_err(migration_error);
        drop(lock);
        migrated
    }

    async fn ready(&self) -> Result<Readiness, StoreError> {
        let applied = self
            .read(async |connection| {
                let table = sqlx::query_scalar!(
                    r#"select exists (select 1 from sqlite_schema where name = '_sqlx_migrations') as "exists!: bool""#
                );
                if !table.fetch_one(&mut *connection).await? {
                    return Ok(Vec::new());
                }
                sqlx::query_scalar!(r#"select version as "version!: i64" from _sqlx_migrations where success"#)
                    .fetch_all(connection)
                    .await
            })
            .await?;
        let missing = migrator().iter().any(|migration| !applied.contains(&migration.version));
        Ok(if missing { Readiness::NotMigrated } else { Readiness::Ready })
    }

    fn connections(&self) -> Connections {
        let pools = [&self.writer, &self.readers];
        Connections {
            open: pools.iter().map(|pool| pool.size()).sum(),
            idle: pools.iter().map(|pool| u32::try_from(pool.num_idle()).unwrap_or(u32::MAX)).sum(),
        }
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What this program knows. A newer one may have migrated further: it only widens, so that both run side by side.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/sqlite");
    migrator.set_ignore_missing(true);
    migrator
}
