//! The migrations, and which of them wait until all servers are stopped.

use std::collections::HashMap;

use auth_store::{Readiness, RunningServers, STOP_SERVERS, StoreError};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Error, PgConnection};

use crate::PostgresStore;
use crate::apply::OneByOne;
use crate::citus_check::{CitusProblem, is_worker};
use crate::error::is_undefined_table;

/// The migrations after which statements of earlier versions fail.
const NEED_STOPPED_SERVERS: [i64; 1] = [8];

/// Displays the cause and a remedy.
#[derive(Debug, thiserror::Error)]
#[error("a missing migration would break running servers of an earlier version; {STOP_SERVERS}")]
struct ServersMayRun;

impl PostgresStore {
    pub(crate) async fn migrate_on(
        &self,
        connection: &mut PgConnection,
        servers: RunningServers,
    ) -> Result<(), StoreError> {
        if is_up_to_date(connection).await {
            return Ok(());
        }
        if is_worker(connection).await.map_err(|error| self.pool.error(error))? {
            return Err(self.pool.unsuitable(CitusProblem::NotCoordinator));
        }
        if servers == RunningServers::Possible {
            let schema = schema_state(connection).await.map_err(|error| self.pool.error(error))?;
            if schema == Readiness::NeedsStoppedServers {
                return Err(self.pool.unsuitable(ServersMayRun));
            }
        }
        self.apply(&migrator(), connection).await
    }

    async fn apply(&self, migrator: &Migrator, connection: &mut PgConnection) -> Result<(), StoreError> {
        // Not `run`, which needs the trait `Acquire`: `OneByOne` does not implement it.
        let migrated = migrator.run_direct(None, &mut OneByOne(connection), false).await;
        migrated.map_err(|error| self.pool.migration_error(error))
    }

    /// Applies the migrations of a later program.
    #[cfg(feature = "testing")]
    pub async fn migrate_by(&self, later: &Migrator) -> Result<(), StoreError> {
        let mut connection = self.pool.connect().await?;
        self.apply(later, &mut connection).await
    }
}

/// The migrations of this program. Ignores later ones in the database: a newer program only widens the schema, so that
/// both run side by side, or has waited until this one was stopped.
pub(crate) fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/postgres");
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether there is nothing to migrate. The migrator finds that out only with the right to create tables, which the role
/// of a server need not have.
pub(crate) async fn is_up_to_date(connection: &mut PgConnection) -> bool {
    let applied = sqlx::query!("select version, checksum from _sqlx_migrations where success");
    // The migrator reports what is wrong.
    let Ok(applied) = applied.fetch_all(connection).await else { return false };
    let applied: HashMap<_, _> = applied.into_iter().map(|row| (row.version, row.checksum)).collect();
    let is_applied = |migration: &Migration| {
        applied.get(&migration.version).is_some_and(|checksum| *checksum == *migration.checksum)
    };
    migrator().iter().all(is_applied)
}

/// The state of the schema.
pub(crate) async fn schema_state(connection: &mut PgConnection) -> Result<Readiness, Error> {
    if !is_missing(connection, |_| true).await? {
        Ok(Readiness::Ready)
    // In this order: another server may be migrating an empty database, and add a user after that.
    } else if has_users(connection).await?
        && is_missing(connection, |version| NEED_STOPPED_SERVERS.contains(&version)).await?
    {
        Ok(Readiness::NeedsStoppedServers)
    } else {
        Ok(Readiness::NotMigrated)
    }
}

/// Whether one of these migrations is missing.
async fn is_missing(
    connection: &mut PgConnection,
    is_one_of_these: impl Fn(i64) -> bool,
) -> Result<bool, Error> {
    let applied = sqlx::query_scalar!("select version from _sqlx_migrations where success");
    let applied = match applied.fetch_all(connection).await {
        Err(error) if is_undefined_table(&error) => Vec::new(),
        applied => applied?,
    };
    Ok(migrator()
        .iter()
        .map(|migration| migration.version)
        .any(|version| is_one_of_these(version) && !applied.contains(&version)))
}

/// Whether there are users. Without users, a server of an earlier version has nothing to lose.
async fn has_users(connection: &mut PgConnection) -> Result<bool, Error> {
    let any = sqlx::query_scalar!(r#"select exists (select 1 from users) as "any!""#);
    match any.fetch_one(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(false),
        any => any,
    }
}
