//! The connections, and what a store is asked apart from its contents.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_store::{Connections, Maintenance, Readiness, RotationBatcher, StoreError};
use goptri::clock::ManualClock;
use sqlx::migrate::Migrator;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::error::{is_deadlock, is_stale_plan, is_undefined_table, migration_error, store_error};
use crate::rotate::grouping;
use crate::rows::interval;
use crate::runtime::ConnectionRuntime;

/// How long to wait for a connection: for one that is in use, or for a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for the answers of one verb. A second more than the server gives itself for one statement, so
/// that it is only reached when the server cannot even say that it gave up.
const VERB_TIMEOUT: Duration = Duration::from_secs(7);

/// Said once on each connection. What a verb promises about races rests on the isolation, whatever is the database's
/// default. No verb is long enough to be worth compiling: where the planner took one for it, that alone took 130 ms. Not
/// sent while connecting, where poolers refuse what they do not know.
const SESSION_SETTINGS: &str =
    "set statement_timeout = '6s'; set default_transaction_isolation = 'read committed'; set jit = off";

/// How often a verb is run that deadlocks undo.
const TRIES: usize = 4;

/// A connection that nobody used for so long is tried before it is relied on: something on the way may have forgotten
/// it. All others are used without asking.
const PING_AFTER_IDLE: Duration = Duration::from_mins(1);

/// The store on Postgres. Clones share their connections.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) pool: PgPool,
    /// One connection for what nobody waits for, so that it never takes one from those who are waited for.
    aside: PgPool,
    /// One for whoever follows what ends, so that no crowd at the others makes it late.
    pub(crate) following: PgPool,
    clock_offset: ManualClock,
    /// The refreshes that wait for their turn.
    pub(crate) rotations: RotationBatcher,
    /// Told of each end that this store has committed.
    pub(crate) appended: Arc<Notify>,
    runtime: Arc<ConnectionRuntime>,
}

impl PostgresStore {
    /// How many connections a server's verbs share: each holds one for about a millisecond. A server has two more, one that
    /// is kept aside and one that follows what ends, and another one while it migrates.
    pub const MAX_CONNECTIONS: u32 = 16;

    /// A store on the database of that URL, with at most so many connections at a time.
    ///
    /// It connects when it is first asked, so that a server can start while its database is away. Fails only when
    /// the URL cannot be understood, or no thread can be had.
    pub fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let mut options: PgConnectOptions = url.parse().map_err(store_error)?;
        if options.get_application_name().is_none() {
            options = options.application_name("goptri");
        }
        let runtime = Arc::new(ConnectionRuntime::start().map_err(sqlx::Error::from).map_err(store_error)?);
        let entered = runtime.enter();
        let (aside, following) = (pool(options.clone(), 1), pool(options.clone(), 1));
        let pool = pool(options, max_connections);
        drop(entered);
        let (clock_offset, appended) = (ManualClock::default(), Arc::default());
        let rotations = grouping(pool.clone(), clock_offset.clone(), runtime.handle());
        Ok(Self { pool, aside, following, clock_offset, rotations, appended, runtime })
    }

    /// The same store, on a clock that is as far ahead of the database's as a test says.
    #[must_use]
    pub fn with_clock_offset(self, clock_offset: ManualClock) -> Self {
        let rotations = grouping(self.pool.clone(), clock_offset.clone(), self.runtime.handle());
        Self { clock_offset, rotations, ..self }
    }

    /// What every statement adds to the time at which it began, which makes its `now`.
    pub(crate) fn clock_offset(&self) -> PgInterval {
        interval(self.clock_offset.ahead())
    }

    /// Runs a verb's statements on one connection, and comes back within ten seconds or so whatever happens.
    pub(crate) async fn ask<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.ask_on(&self.pool, verb).await
    }

    /// As [`ask`](Self::ask), on the connection that nobody else waits for.
    pub(crate) async fn ask_aside<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.ask_on(&self.aside, verb).await
    }

    /// As [`ask`](Self::ask), on a connection of that one of its pools.
    pub(crate) async fn ask_on<T>(
        &self,
        pool: &PgPool,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.runtime.drive(ask(pool, verb)).await
    }

    /// Tells who waits for it that something was put on record, and committed.
    pub(crate) fn notify_appended(&self) {
        self.appended.notify_one();
    }

    /// Runs a verb that ends sessions as one transaction. Within [`run_detached`](Self::run_detached).
    pub(crate) async fn transact<T>(
        &self,
        verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let answer = self
            .ask(async |connection| {
                let mut transaction = connection.begin_with("begin").await?;
                let answer = verb(&mut transaction).await?;
                transaction.commit().await?;
                Ok(answer)
            })
            .await?;
        self.notify_appended();
        Ok(answer)
    }

    /// Runs a verb to its end, also when its caller is gone: what a transaction needs, for a `begin` that is cancelled
    /// leaves its connection inside one. When a deadlock undid it, it is run again: the other one is through by then.
    pub(crate) async fn run_detached<T, F>(
        &self,
        verb: impl Fn(Self) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let store = self.clone();
        let until_no_deadlock = async move {
            for _ in 1..TRIES {
                match verb(store.clone()).await {
                    Err(error) if is_deadlock(&error) => {
                        tracing::info!("a deadlock undid a transaction; it is run again");
                    }
                    answer => return answer,
                }
            }
            verb(store).await
        };
        let task = {
            let _entered = self.runtime.enter();
            tokio::spawn(until_no_deadlock)
        };
        task.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }
}

pub(crate) async fn ask<T>(
    pool: &PgPool,
    verb: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, StoreError> {
    let mut connection = pool.acquire().await.map_err(store_error)?;
    match timeout(VERB_TIMEOUT, verb(&mut connection)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            if is_stale_plan(&error) {
                connection.close_on_drop();
            }
            Err(store_error(error))
        }
        Err(elapsed) => {
            // Given back, it would wait for that answer for good, and so in the end would the whole pool.
            connection.close_on_drop();
            tracing::warn!("the database did not answer within {VERB_TIMEOUT:?}; the connection is given up");
            Err(StoreError::Unavailable(Box::new(elapsed)))
        }
    }
}

/// The connections of those who are waited for.
fn pool(options: PgConnectOptions, most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
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
        .connect_lazy_with(options)
}

impl fmt::Debug for PostgresStore {
    /// Without the options, which have the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("connections", &self.pool.size())
            .field("idle", &self.pool.num_idle())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Maintenance for PostgresStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        // A connection of its own: a migration may take longer than a statement. The migrator locks the database for
        // itself until that connection ends, which it does also when the migration fails or nobody waits for it.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy_with(PgConnectOptions::clone(&self.pool.connect_options()));
        let migrated = migrator().run(&pool).await.map_err(migration_error);
        pool.close().await;
        migrated
    }

    async fn ready(&self) -> Result<Readiness, StoreError> {
        let applied = self
            .ask(async |connection| {
                let applied = sqlx::query_scalar!("select version from _sqlx_migrations where success");
                match applied.fetch_all(connection).await {
                    Err(error) if is_undefined_table(&error) => Ok(Vec::new()),
                    applied => applied,
                }
            })
            .await?;
        let missing = migrator().iter().any(|migration| !applied.contains(&migration.version));
        Ok(if missing { Readiness::NotMigrated } else { Readiness::Ready })
    }

    fn connections(&self) -> Connections {
        let pools = [&self.following, &self.aside, &self.pool];
        Connections {
            open: pools.iter().map(|pool| pool.size()).sum(),
            idle: pools.iter().map(|pool| u32::try_from(pool.num_idle()).unwrap_or(u32::MAX)).sum(),
        }
    }

    async fn close(&self) {
        for pool in [&self.following, &self.aside, &self.pool] {
            self.runtime.drive(pool.close()).await;
        }
    }
}

/// What this program knows. A newer one may have migrated further: it only widens, so that both run side by side.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/postgres");
    migrator.set_ignore_missing(true);
    migrator
}
