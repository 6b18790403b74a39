//! Applies migrations statement by statement, on one server and on a distributed database.
//!
//! The driver sends the text of a migration at once. Citus then takes the whole text for each statement that it forwards
//! to the nodes, and refuses it.

use std::pin::Pin;
use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::statements::statements;

/// Makes Citus alter tables with foreign keys to each other on one connection to each node. Without Citus, nothing
/// reads this setting.
const SETTINGS: &str = "set local citus.multi_shard_modify_mode = 'sequential'";

/// A connection for a migrator of the driver, which sends one statement at a time.
pub(crate) struct OneByOne<'a>(pub(crate) &'a mut PgConnection);

type MigrateFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, MigrateError>> + Send + 'a>>;

/// The driver does everything but [`apply`](Self::apply).
impl Migrate for OneByOne<'_> {
    fn create_schema_if_not_exists<'e>(&'e mut self, schema: &'e str) -> MigrateFuture<'e, ()> {
        self.0.create_schema_if_not_exists(schema)
    }

    fn ensure_migrations_table<'e>(&'e mut self, table: &'e str) -> MigrateFuture<'e, ()> {
        self.0.ensure_migrations_table(table)
    }

    fn dirty_version<'e>(&'e mut self, table: &'e str) -> MigrateFuture<'e, Option<i64>> {
        self.0.dirty_version(table)
    }

    fn list_applied_migrations<'e>(&'e mut self, table: &'e str) -> MigrateFuture<'e, Vec<AppliedMigration>> {
        self.0.list_applied_migrations(table)
    }

    fn lock(&mut self) -> MigrateFuture<'_, ()> {
        self.0.lock()
    }

    fn unlock(&mut self) -> MigrateFuture<'_, ()> {
        self.0.unlock()
    }

    /// Executes and records a migration in one transaction, unless the migration forbids a transaction (`no_tx`).
    /// Returns zero instead of the time that it took.
    fn apply<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> MigrateFuture<'e, Duration> {
        if migration.no_tx {
            return self.0.apply(table, migration);
        }
        Box::pin(async move {
            let mut transaction = self.0.begin().await?;
            sqlx::raw_sql(SETTINGS).execute(&mut *transaction).await?;
            for statement in statements(migration.sql.as_str()) {
                let executed = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await;
                executed.map_err(|error| MigrateError::ExecuteMigration(error, migration.version))?;
            }
            transaction.skip(table, migration).await?;
            transaction.commit().await?;
            Ok(Duration::ZERO)
        })
    }

    fn revert<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> MigrateFuture<'e, Duration> {
        self.0.revert(table, migration)
    }

    fn skip<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> MigrateFuture<'e, ()> {
        self.0.skip(table, migration)
    }
}
