//! A pool of connections, and the one way to run statements on it.

use std::sync::Arc;
use std::time::Duration;

use auth_store::{Connections, StoreError};
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Error, PgConnection};
use tokio::time::timeout;

use crate::error::{DatabaseError, is_stale_plan};
use crate::runtime::ConnectionRuntime;

/// How long to wait for a connection: for one that is in use, or for a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to look for the reason when no connection could be opened within [`CONNECT_TIMEOUT`].
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for the results of one verb. One second longer than the server's own limit for a statement, so
/// that it is only reached when the server does not answer at all.
const VERB_TIMEOUT: Duration = Duration::from_secs(7);

/// Run once on each connection. The promises about races depend on this isolation level, whatever the database's
/// default is. No statement is long enough for JIT to pay off; where the planner expected otherwise, compiling alone
/// took 130 ms. Not sent in the startup message, because poolers reject parameters that they do not know.
const SESSION_SETTINGS: &str =
    "set statement_timeout = '6s'; set default_transaction_isolation = 'read committed'; set jit = off";

/// A connection that was idle for longer is pinged before use, because something on the way may have dropped it.
const PING_AFTER_IDLE: Duration = Duration::from_mins(1);

/// A pool. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPool {
    pool: PgPool,
    runtime: Arc<ConnectionRuntime>,
}

impl ConnectionPool {
    /// A pool that connects when it is first used.
    pub(crate) fn new(
        options: PgConnectOptions,
        max_connections: u32,
        runtime: &Arc<ConnectionRuntime>,
    ) -> Self {
        let _entered = runtime.enter();
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > PING_AFTER_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(SESSION_SETTINGS).execute(connection).await.map(|_| ()) })
            })
            .connect_lazy_with(options);
        Self { pool, runtime: Arc::clone(runtime) }
    }

    /// Runs the statements of a verb on one connection. Returns within about ten seconds whatever happens.
    pub(crate) async fn with_connection<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let statements = async {
            let mut connection = match self.pool.acquire().await {
                Ok(connection) => connection,
                Err(Error::PoolTimedOut) if self.pool.size() == 0 => return Err(self.diagnose().await),
                Err(error) => return Err(error),
            };
            match timeout(VERB_TIMEOUT, verb(&mut connection)).await {
                Ok(Err(error)) if is_stale_plan(&error) => {
                    connection.close_on_drop();
                    Err(error)
                }
                Ok(result) => result,
                Err(_) => {
                    // In the pool, it would wait for that result for ever, and in the end so would all the others.
                    connection.close_on_drop();
                    tracing::warn!(
                        "no answer from the database within {VERB_TIMEOUT:?}; the connection is closed"
                    );
                    Err(no_answer(VERB_TIMEOUT))
                }
            }
        };
        self.runtime.drive(statements).await.map_err(|error| self.error(error))
    }

    /// Connects outside the pool and without the limits for verbs. Fails at once if the server refuses.
    pub(crate) async fn connect(&self) -> Result<PgConnection, StoreError> {
        self.connect_within(CONNECT_TIMEOUT + DIAGNOSIS_TIMEOUT).await.map_err(|error| self.error(error))
    }

    async fn connect_within(&self, limit: Duration) -> Result<PgConnection, Error> {
        let options = self.pool.connect_options();
        timeout(limit, options.connect())
            .await
            .unwrap_or_else(|_| Err(no_answer(CONNECT_TIMEOUT + DIAGNOSIS_TIMEOUT)))
    }

    /// Why the pool has no connection. The pool itself retries until its timeout and does not report the reason.
    async fn diagnose(&self) -> Error {
        match self.connect_within(DIAGNOSIS_TIMEOUT).await {
            Ok(_) => Error::PoolTimedOut,
            Err(error) => error,
        }
    }

    fn error(&self, error: Error) -> StoreError {
        DatabaseError::new(&self.pool.connect_options(), error).into()
    }

    pub(crate) fn migration_error(&self, error: MigrateError) -> StoreError {
        DatabaseError::of_migrator(&self.pool.connect_options(), error).into()
    }

    pub(crate) async fn close(&self) {
        self.runtime.drive(self.pool.close()).await;
    }

    pub(crate) fn size(&self) -> Connections {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        Connections { open: self.pool.size(), idle }
    }
}

fn no_answer(limit: Duration) -> Error {
    let text = format!("no answer within {} s", limit.as_secs());
    Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}
