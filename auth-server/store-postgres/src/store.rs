//! The store itself, and its maintenance.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::EmailKey;
use auth_store::{
    Connections, EmailKeys, Maintenance, Readiness, RefreshBatching, RotationBatcher, RunningServers,
    StoreError,
};
use sqlx::Connection;
use sqlx::postgres::types::PgInterval;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::DatabaseClock;
use crate::connection::ConnectionPool;
use crate::feed_by_time::NodesDown;
use crate::hosts;
use crate::layout::KnownLayout;
use crate::migrations::schema_state;
use crate::rotate::Rotator;
use crate::runtime::ConnectionRuntime;
use crate::url::{self, InvalidUrl};

/// The store on Postgres. Clones share their connections.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) pool: ConnectionPool,
    /// One connection for sweeps, so that they never take one from a request.
    pub(crate) background_pool: ConnectionPool,
    /// One connection for the feed, so that no load on the other pools delays it.
    pub(crate) feed_pool: ConnectionPool,
    pub(crate) rotations: RotationBatcher<Rotator>,
    pub(crate) batching: RefreshBatching,
    pub(crate) known_layout: KnownLayout,
    pub(crate) nodes_down: Arc<NodesDown>,
    /// Notified after each commit that appended revocations.
    pub(crate) appended: Arc<Notify>,
    clock: DatabaseClock,
    runtime: Arc<ConnectionRuntime>,
}

impl PostgresStore {
    /// How many connections a store has beside those of requests: one for sweeps and one for the feed. A migration opens
    /// another one.
    pub const RESERVED_CONNECTIONS: u32 = 2;

    /// Checks a URL as [`connect`](Self::connect) does.
    ///
    /// # Errors
    /// The URL is invalid.
    pub fn check_url(url: &str) -> Result<(), InvalidUrl> {
        url::parse(url).map(drop)
    }

    /// The URL without its password and parameters, for messages.
    pub fn describe_url(url: &str) -> Option<String> {
        hosts::without_password(url)
    }

    /// A store on the database of that URL, whose requests share `request_connections` connections; each needs one for
    /// about a millisecond. It connects when it is first used, so that a server can start before its database.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the URL is invalid. [`StoreError::Unavailable`] if no thread can be started.
    pub fn connect(url: &str, request_connections: u32) -> Result<Self, StoreError> {
        let hosts = url::parse(url).map_err(|error| StoreError::Conflict(Box::new(error)))?;
        let runtime = ConnectionRuntime::start().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let runtime = Arc::new(runtime);
        let pool = ConnectionPool::new(hosts, request_connections, &runtime);
        let clock = DatabaseClock::default();
        let rotator = Rotator { pool: pool.clone(), clock: clock.clone() };
        Ok(Self {
            background_pool: pool.reserve_one(),
            feed_pool: pool.reserve_one(),
            pool,
            rotations: RotationBatcher::new(rotator, runtime.handle()),
            batching: RefreshBatching::default(),
            known_layout: KnownLayout::default(),
            nodes_down: Arc::default(),
            appended: Arc::default(),
            clock,
            runtime,
        })
    }

    /// The same store with another setting for refreshes.
    #[must_use]
    pub fn with_refresh_batching(self, batching: RefreshBatching) -> Self {
        Self { batching, ..self }
    }

    /// The same store, which takes this for the layout of the tables.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_layout(self, layout: auth_store::Layout) -> Self {
        Self { known_layout: KnownLayout::forced(layout), ..self }
    }

    /// The same store with a clock that differs from the database's by an offset.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock_offset(self, offset: goptri::clock::ManualClock) -> Self {
        let clock = DatabaseClock { manual: offset };
        let rotator = Rotator { pool: self.pool.clone(), clock: clock.clone() };
        let rotations = RotationBatcher::new(rotator, self.runtime.handle());
        Self { rotations, clock, ..self }
    }

    /// What each statement adds to the time at which it begins: zero, except in tests.
    pub(crate) fn clock_offset(&self) -> PgInterval {
        self.clock.offset()
    }

    /// The runtime of the connections.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.handle()
    }

    /// Wakes [`wait_for_append`](auth_store::Revocations::wait_for_append). Call it after a commit that appended
    /// revocations.
    pub(crate) fn notify_appended(&self) {
        self.appended.notify_one();
    }
}

impl fmt::Debug for PostgresStore {
    /// Does not show the options, which contain the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connections { open, idle } = self.pool.size();
        f.debug_struct("PostgresStore").field("open", &open).field("idle", &idle).finish_non_exhaustive()
    }
}

#[async_trait]
impl Maintenance for PostgresStore {
    async fn check_server(&self) -> Result<(), StoreError> {
        self.check().await
    }

    async fn migrate(&self, servers: RunningServers) -> Result<(), StoreError> {
        // Outside the pool, because a migration may take longer than a verb. The migrator's lock ends with the
        // connection, also when the migration fails or is cancelled.
        let mut connection = self.pool.connect().await?;
        let migrated = self.migrate_on(&mut connection, servers).await;
        // The result of the migration matters; a connection that does not close cleanly is dropped.
        let _ = connection.close().await;
        migrated
    }

    async fn ready(&self) -> Result<Readiness, StoreError> {
        let schema = self.background_pool.with_connection(schema_state).await?;
        if schema == Readiness::Ready && self.email_key_version().await? < EmailKey::VERSION {
            return Ok(Readiness::NotMigrated);
        }
        Ok(schema)
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        self.commit_probe().await
    }

    fn host(&self) -> Option<String> {
        self.pool.host()
    }

    fn connections(&self) -> Connections {
        let pools = [&self.feed_pool, &self.background_pool, &self.pool].map(ConnectionPool::size);
        Connections {
            open: pools.iter().map(|pool| pool.open).sum(),
            idle: pools.iter().map(|pool| pool.idle).sum(),
        }
    }

    async fn close(&self) {
        for pool in [&self.feed_pool, &self.background_pool, &self.pool] {
            pool.close().await;
        }
    }
}
