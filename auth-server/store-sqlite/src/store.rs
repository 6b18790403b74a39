//! The store itself, and its maintenance.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_domain::EmailKey;
use auth_store::{
    Connections, EmailKeys, Maintenance, Readiness, RefreshBatching, RotationBatcher, RunningServers,
    StoreError,
};
use goptri::clock::Clock;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::connection::ConnectionPool;
use crate::error::DatabaseError;
use crate::file;
use crate::rotate::Rotator;
use crate::rows::Micros;
use crate::write_probe::WriteProbe;

/// How long SQLite waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A read is seldom more than one look-up, so a few threads are enough.
const MAX_READERS: u32 = 4;

/// The store in one SQLite file. Clones share their connections.
///
/// One connection writes, so that verbs wait for it in order; others read at the same time.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) writer: ConnectionPool,
    pub(crate) readers: ConnectionPool,
    pub(crate) probe: WriteProbe,
    pub(crate) rotations: RotationBatcher<Rotator>,
    pub(crate) batching: RefreshBatching,
    /// Notified after each commit that appended revocations.
    pub(crate) appended: Arc<Notify>,
    clock: Arc<dyn Clock>,
    path: Arc<Path>,
}

impl SqliteStore {
    /// The file that a URL names. It may not exist.
    pub fn path_of(url: &str) -> Result<PathBuf, StoreError> {
        Ok(options(url)?.get_filename().to_owned())
    }

    /// A store in the file of that URL, whose times are those of `clock`. Creates a missing file, readable for its
    /// owner only. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the URL names no file, or the file cannot be created.
    pub fn connect(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let options = options(url)?;
        let path: Arc<Path> = options.get_filename().into();
        file::must_be_a_file(url, &path).map_err(|error| StoreError::Conflict(Box::new(error)))?;
        file::create_if_missing(&path).map_err(|error| DatabaseError::of_file(&path, error))?;
        // A commit that was reported must survive a power cut, above all a sign-out.
        let options = options
            .create_if_missing(false)
            .shared_cache(false)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let writing = options.clone().journal_mode(SqliteJournalMode::Wal);
        let writer = ConnectionPool::new(writing, 1, &path);
        let rotator = Rotator { writer: writer.clone(), clock: Arc::clone(&clock) };
        Ok(Self {
            probe: WriteProbe::new(&writer, options.clone()),
            readers: writer.beside(options.pragma("query_only", "on"), MAX_READERS),
            rotations: RotationBatcher::new(rotator, Handle::current()),
            batching: RefreshBatching::default(),
            writer,
            appended: Arc::default(),
            clock,
            path,
        })
    }

    /// The same store with another setting for refreshes.
    #[must_use]
    pub fn with_refresh_batching(self, batching: RefreshBatching) -> Self {
        Self { batching, ..self }
    }

    /// The time now. Call it when a verb has its connection: a time from before the wait for it would backdate rows.
    pub(crate) fn now(&self) -> Micros {
        Micros::of(self.clock.now())
    }

    /// Wakes [`wait_for_append`](auth_store::Revocations::wait_for_append). Call it after a commit that appended
    /// revocations.
    pub(crate) fn notify_appended(&self) {
        self.appended.notify_one();
    }
}

fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    url.parse().map_err(|error: sqlx::Error| StoreError::Conflict(Box::new(error)))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Maintenance for SqliteStore {
    async fn check_server(&self) -> Result<(), StoreError> {
        // There is no server.
        Ok(())
    }

    /// Applies every migration under the write lock. A server of an earlier version that runs all the same reports errors,
    /// until it is replaced.
    async fn migrate(&self, _servers: RunningServers) -> Result<(), StoreError> {
        // The driver's migrator takes no lock on SQLite, and only one process at a time can switch a new file to WAL.
        // An error here is lasting, for instance a folder that is not writable.
        let lock = file::lock(&self.path).await.map_err(|error| DatabaseError::of_file(&self.path, error))?;
        let migrated = self.writer.migrate(&migrator()).await;
        drop(lock);
        migrated
    }

    async fn ready(&self) -> Result<Readiness, StoreError> {
        let applied = self
            .readers
            .with_connection(async |connection| {
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
        if missing || self.email_key_version().await? < EmailKey::VERSION {
            return Ok(Readiness::NotMigrated);
        }
        Ok(Readiness::Ready)
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        self.commit_probe().await
    }

    fn host(&self) -> Option<String> {
        None
    }

    fn connections(&self) -> Connections {
        let pools = [&self.readers, &self.writer, &self.probe.connection].map(ConnectionPool::size);
        Connections {
            open: pools.iter().map(|pool| pool.open).sum(),
            idle: pools.iter().map(|pool| pool.idle).sum(),
        }
    }

    async fn close(&self) {
        self.readers.close().await;
        self.probe.connection.close().await;
        self.writer.close().await;
    }
}

/// The migrations of this program. Ignores later ones in the database: a newer program only widens the schema, so that
/// both run side by side.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/sqlite");
    migrator.set_ignore_missing(true);
    migrator
}
