//! What every command gets: the environment, the output format, and the store.

use std::sync::Arc;

use auth_store::{Readiness, STOP_SERVERS, Store};
use goptri::clock::SystemClock;
use goptri_server::log_to_stderr;
use goptri_settings::{Environment, Plain, Settings};

use super::{CliError, Format};
use crate::config;
use crate::flow::Migrate;
use crate::storage::{self, DatabaseUrl};

/// The environment and the output format of one command.
pub(super) struct Context {
    environment: Environment,
    pub(super) format: Format,
}

/// What may be done to the database before a command begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseAccess {
    /// Neither create nor migrate it. The command says which database it reads.
    Read,
    /// Migrate it as `AUTO_MIGRATE` says.
    Change,
    /// Create the file of SQLite too.
    Create,
}

/// Which database, and whether it may be migrated.
struct StoreSettings {
    url: Plain<DatabaseUrl>,
    auto_migrate: bool,
}

impl Context {
    /// Reads the environment. Nothing below `level` is logged unless `RUST_LOG` says so: the output is the result.
    pub(super) fn load(format: Format, level: &str) -> Result<Self, CliError> {
        Ok(Self { environment: Environment::load()?.with_default("RUST_LOG", level), format })
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Reads settings, and fails with all their errors together.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Settings<'_>) -> Option<T>) -> Result<T, CliError> {
        let settings = Settings::new(&self.environment);
        log_to_stderr(&settings);
        let value = read(&settings);
        Ok(settings.into_result(value)?)
    }

    /// Reads settings, opens the store, does the work, and closes the store.
    pub(super) async fn with_store<S, T>(
        &self,
        access: DatabaseAccess,
        read: impl FnOnce(&Settings<'_>) -> Option<S>,
        work: impl AsyncFnOnce(&Arc<dyn Store>, S) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let (store, more) = self.read(|settings| {
            let (store, more) = (StoreSettings::read(settings), read(settings));
            store.zip(more)
        })?;
        if access == DatabaseAccess::Read {
            self.format.note(&format!("Database: {}", storage::describe(&store.url)));
        }
        let store = store.open(access).await?;
        let done = work(&store, more).await;
        store.close().await;
        done
    }
}

impl StoreSettings {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (url, auto_migrate) = (config::database_url(settings), config::auto_migrate(settings));
        Some(Self { url: url?, auto_migrate: auto_migrate? })
    }

    async fn open(self, access: DatabaseAccess) -> Result<Arc<dyn Store>, CliError> {
        let clock = Arc::new(SystemClock);
        let store = match access {
            DatabaseAccess::Create => storage::open(&self.url, clock)?,
            DatabaseAccess::Read | DatabaseAccess::Change => {
                storage::open_existing(&self.url, clock)?.ok_or_else(|| no_database(&self.url))?
            }
        };
        if self.auto_migrate && access != DatabaseAccess::Read {
            Migrate::new(Arc::clone(&store)).run().await?;
            return Ok(store);
        }
        let remedy = match store.ready().await? {
            Readiness::Ready => return Ok(store),
            Readiness::NotMigrated => "run `auth-server migrate` first",
            Readiness::NeedsStoppedServers => STOP_SERVERS,
        };
        let database = storage::describe(&self.url);
        Err(CliError::new("not_migrated", format!("the database {database} lacks migrations; {remedy}")))
    }
}

fn no_database(url: &Plain<DatabaseUrl>) -> CliError {
    let database = storage::describe(url);
    CliError::new(
        "no_database",
        format!(
            "the database {database} does not exist; `auth-server migrate` creates it. Is DATABASE_URL right?"
        ),
    )
}
