//! The pools of connections, and the one way to run statements on them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_store::{Answer, Connections, Connector, Fate, Pool, Sending, Source, StoreError};
use goptri::revocation::SystemMonotonicClock;
use sqlx::migrate::MigrateError;
use sqlx::{Connection, Error, PgConnection};
use tokio::time::timeout;

use crate::error::{DatabaseError, UnsuitableServer};
use crate::fate::{Failure, HostFailure, fate, no_answer};
use crate::hosts::Hosts;
use crate::runtime::ConnectionRuntime;
use crate::servers::{ServerConnection, Servers};
use crate::watch::watch;

/// How long to wait for a connection outside the pools.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Run once on each connection. The promises about races depend on this isolation level, whatever the database's
/// default is. No statement is long enough for JIT to pay off; where the planner expected otherwise, compiling alone
/// took 130 ms. A server process whose client was stopped or cut off inside a transaction must not hold locks. The
/// driver sets no keep-alive, so the server does. Not sent in the startup message, because poolers reject parameters
/// that they do not know.
const SESSION_SETTINGS: &str = "set statement_timeout = '6s'; set idle_in_transaction_session_timeout = '2s'; \
    set default_transaction_isolation = 'read committed'; set jit = off; \
    set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/// A pool that connects when it is first used. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPool {
    pool: Pool<PostgresServer>,
    runtime: Arc<ConnectionRuntime>,
}

/// The servers of a database. Clones share what is known of them.
#[derive(Clone)]
pub(crate) struct PostgresServer(Arc<Servers>);

impl PostgresServer {
    pub(crate) fn servers(&self) -> &Servers {
        &self.0
    }
}

impl ConnectionPool {
    pub(crate) fn new(hosts: Hosts, max: u32, runtime: &Arc<ConnectionRuntime>) -> Self {
        let servers = Arc::new(Servers::new(hosts));
        let may_change = servers.may_change();
        let clock = Arc::new(SystemMonotonicClock::default());
        let pool = Pool::new(PostgresServer(servers), max, runtime.handle(), clock);
        if may_change {
            runtime.handle().spawn(watch(pool.clone()));
        }
        Self { pool, runtime: Arc::clone(runtime) }
    }

    /// A pool of one connection for other purposes. Where the server grants too few connections, this one comes before
    /// those of the pool.
    pub(crate) fn reserve_one(&self) -> Self {
        Self { pool: self.pool.reserve(1), runtime: Arc::clone(&self.runtime) }
    }

    /// Runs the statements of an idempotent verb on one connection, and once more on a new one if that is lost.
    pub(crate) async fn with_connection<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Clone,
    ) -> Result<T, StoreError> {
        Ok(self.run(Sending::Idempotent, verb).await?.value)
    }

    /// Like [`with_connection`](Self::with_connection), but also returns whether the verb was sent twice.
    pub(crate) async fn with_connection_answer<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Clone,
    ) -> Result<Answer<T>, StoreError> {
        self.run(Sending::Idempotent, verb).await
    }

    /// Runs the statements of a verb that must not be sent twice, on a connection that has just answered.
    pub(crate) async fn with_connection_once<T, E: Into<Failure>>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Clone,
    ) -> Result<T, StoreError> {
        Ok(self.run(Sending::Once, verb).await?.value)
    }

    async fn run<T, E: Into<Failure>>(
        &self,
        sending: Sending,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Clone,
    ) -> Result<Answer<T>, StoreError> {
        let verb = async move |connection: &mut ServerConnection| {
            let host = connection.host;
            verb(&mut connection.session).await.map_err(|error| HostFailure::at(host, error))
        };
        let answer = self.runtime.drive(self.pool.run(sending, verb)).await;
        answer.map_err(|failed| self.failure(failed))
    }

    /// Connects outside the pool and without the limits for verbs. Fails immediately if the server refuses.
    pub(crate) async fn connect(&self) -> Result<PgConnection, StoreError> {
        let connected = timeout(CONNECT_TIMEOUT, self.servers().open()).await;
        let connected = connected.unwrap_or_else(|_| Err(Failure::from(no_answer(CONNECT_TIMEOUT)).into()));
        Ok(connected.map_err(|failed| self.failure(failed))?.session)
    }

    fn servers(&self) -> &Servers {
        self.pool.connector().servers()
    }

    /// The address of the host that is used, if the URL names several.
    pub(crate) fn host(&self) -> Option<String> {
        self.servers().has_several_hosts().then(|| self.servers().address(None))
    }

    fn failure(&self, HostFailure { host, failure }: HostFailure) -> StoreError {
        DatabaseError::new(self.servers().address(host), failure).into()
    }

    /// An error about the server that no retry can change.
    pub(crate) fn unsuitable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        StoreError::Unsuitable(self.with_address(cause))
    }

    /// The cause, with the server's address in front.
    pub(crate) fn with_address(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Source {
        Box::new(UnsuitableServer::new(self.servers().address(None), cause))
    }

    pub(crate) fn error(&self, error: Error) -> StoreError {
        self.failure(Failure::from(error).into())
    }

    pub(crate) fn migration_error(&self, error: MigrateError) -> StoreError {
        DatabaseError::of_migrator(self.servers().address(None), error).into()
    }

    pub(crate) async fn close(&self) {
        self.runtime.drive(self.pool.close()).await;
    }

    pub(crate) fn size(&self) -> Connections {
        self.pool.size()
    }
}

impl Connector for PostgresServer {
    type Connection = ServerConnection;
    type Error = HostFailure;

    /// A server that restarts is away for moments.
    const RECONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    async fn connect(&self) -> Result<ServerConnection, HostFailure> {
        let mut connection = self.0.open().await?;
        let set = sqlx::raw_sql(SESSION_SETTINGS).execute(&mut connection.session).await;
        set.map_err(|error| HostFailure::at(connection.host, error))?;
        Ok(connection)
    }

    async fn ping(connection: &mut ServerConnection) -> Result<(), HostFailure> {
        let pinged = connection.session.ping().await;
        pinged.map_err(|error| HostFailure::at(connection.host, error))?;
        // The end of a transaction failed, so the driver would refuse to begin another one.
        if connection.session.is_in_transaction() {
            return Err(HostFailure::at(connection.host, Error::BeginFailed));
        }
        Ok(())
    }

    async fn close(connection: ServerConnection) {
        // A broken connection cannot say goodbye.
        let _ = connection.session.close().await;
    }

    fn fate(failed: &HostFailure) -> Fate {
        fate(&failed.failure)
    }

    fn on_lost(&self) {
        self.0.doubt();
    }
}

impl fmt::Debug for PostgresServer {
    /// Does not show the options, which contain the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresServer")
    }
}
