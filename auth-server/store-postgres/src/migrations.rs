//! The migrations, and which of them wait until all servers are stopped.

use std::collections::HashMap;

use auth_store::{Readiness, STOP_SERVERS};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Error, PgConnection};

use crate::error::is_undefined_table;

/// The migrations after which statements of earlier versions fail.
const NEED_STOPPED_SERVERS: [i64; 1] = [8];

/// Displays the cause and a remedy.
#[derive(Debug, thiserror::Error)]
#[error("a missing migration would break running servers of an earlier version; {STOP_SERVERS}")]
pub(crate) struct ServersMayRun;

/// The migrations of this program. Ignores later ones in the database: a newer program only widens the schema, so that
/// both run side by side.
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
    let applied = sqlx::query_scalar!("select version from _sqlx_migrations where success");
    let applied = match applied.fetch_all(&mut *connection).await {
        Err(error) if is_undefined_table(&error) => Vec::new(),
        applied => applied?,
    };
    let is_missing = |version: i64| !applied.contains(&version);
    if !migrator().iter().any(|migration| is_missing(migration.version)) {
        Ok(Readiness::Ready)
    } else if NEED_STOPPED_SERVERS.into_iter().any(is_missing) && has_users(connection).await? {
        Ok(Readiness::NeedsStoppedServers)
    } else {
        Ok(Readiness::NotMigrated)
    }
}

/// Without users, a server of an earlier version has nothing to lose.
async fn has_users(connection: &mut PgConnection) -> Result<bool, Error> {
    let any = sqlx::query_scalar!(r#"select exists (select from users) as "any!""#);
    match any.fetch_one(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(false),
        any => any,
    }
}
