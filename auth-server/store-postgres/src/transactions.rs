//! Verbs of several statements: each is one transaction, in a task of its own.
//!
//! All lock in this order: users by id, sessions by key, codes, grants, keys of addresses, revocations by subject. A
//! transaction that records the revocation of a session has locked or deleted the session before, if there is one.
//!
//! One case is out of order: a sign-in is locked before the sessions that end with it, which are nearly always later ones
//! (ids begin with the time). Where the clocks of two servers have changed places, two transactions that end both may
//! deadlock. Postgres rolls one back, which is retried.

use auth_store::StoreError;
use sqlx::{Connection, Error, PgConnection};

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::error::is_deadlock;
use crate::fate::Failure;

/// How often to run a transaction that deadlocks roll back.
const MAX_ATTEMPTS: usize = 4;

impl PostgresStore {
    /// Runs an idempotent verb as one transaction. Must be called within [`run_detached`](Self::run_detached).
    pub(crate) async fn transact<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        transact_on(&self.pool, verb).await
    }

    /// Like [`transact`](Self::transact), for a verb that must not be sent twice.
    pub(crate) async fn transact_once<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        self.pool.with_connection_once(async |connection| in_transaction(connection, verb).await).await
    }

    /// Runs a verb in a task of its own, so that it completes when its caller is cancelled: a cancelled `begin` would
    /// leave its connection inside a transaction. Retries after a deadlock, because the other transaction has then
    /// ended; so `verb` clones what it captures.
    pub(crate) async fn run_detached<T, F>(
        &self,
        verb: impl Fn(Self) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let store = self.clone();
        let with_retries = async move {
            for _ in 1..MAX_ATTEMPTS {
                match verb(store.clone()).await {
                    Err(error) if is_deadlock(&error) => {
                        tracing::info!("a deadlock rolled a transaction back; retrying");
                    }
                    result => return result,
                }
            }
            verb(store).await
        };
        let task = self.runtime().spawn(with_retries);
        task.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }
}

/// Runs an idempotent verb as one transaction on a connection of that pool. Must be called within
/// [`run_detached`](PostgresStore::run_detached).
pub(crate) async fn transact_on<T>(
    pool: &ConnectionPool,
    verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
) -> Result<T, StoreError> {
    pool.with_connection(async |connection| in_transaction(connection, verb).await).await
}

async fn in_transaction<T>(
    connection: &mut PgConnection,
    verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Failure> {
    let mut transaction = connection.begin_with("begin").await?;
    let result = verb(&mut transaction).await?;
    transaction.commit().await.map_err(Failure::Commit)?;
    Ok(result)
}
