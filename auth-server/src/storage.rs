//! Chooses the store by the scheme of `DATABASE_URL`. No other code knows which store it is.

use std::sync::Arc;

use auth_store::{RefreshBatching, Store, StoreError};
use goptri::clock::Clock;
use goptri_settings::{Plain, SecretKind, SettingError, SettingErrors};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::Config;
use crate::error::CauseChain;

/// The kind of `DATABASE_URL`, which may contain a password.
#[derive(Debug)]
pub enum DatabaseUrl {}
impl SecretKind for DatabaseUrl {
    const NAME: &'static str = "database url";
}

/// Checks whether the URL belongs to one of the stores, and explains why not.
pub fn check(url: &str) -> Result<(), String> {
    match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => {
            PostgresStore::check_url(url).map_err(|error| format!("is not valid: {error}"))
        }
        Some(("sqlite", rest)) if rest.contains(":memory:") || rest.contains("mode=memory") => {
            Err("is an in-memory database, which each connection would have for itself; use a file"
                .to_owned())
        }
        Some(("sqlite", _)) => Ok(()),
        _ => Err("starts with neither sqlite:// nor postgres://".to_owned()),
    }
}

/// The fewest connections to Postgres with which a store works well: two for requests, one for sweeps, one for the
/// feed.
pub const MIN_CONNECTIONS: u32 = 4;

/// Opens the store for a server, which connects on first use. `clock` is the time of SQLite; Postgres has its own. A
/// store on Postgres has at most `DATABASE_CONNECTIONS` connections, and another one while it migrates.
///
/// # Errors
/// The URL is invalid, or its file cannot be created.
pub fn open_for_server(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, SettingErrors> {
    let Config { database_url, database_connections, refresh_batching, .. } = config;
    connect(database_url, *database_connections, *refresh_batching, clock)
}

/// Opens the store for a command. Creates a missing file of SQLite.
///
/// # Errors
/// As [`open_for_server`].
pub fn open(url: &Plain<DatabaseUrl>, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, SettingErrors> {
    connect(url, MIN_CONNECTIONS, RefreshBatching::default(), clock)
}

fn connect(
    url: &Plain<DatabaseUrl>,
    connections: u32,
    batching: RefreshBatching,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, SettingErrors> {
    let opened: Result<Arc<dyn Store>, StoreError> = if url.expose().starts_with("sqlite:") {
        SqliteStore::connect(url.expose(), clock)
            .map(|store| Arc::new(store.with_refresh_batching(batching)) as _)
    } else {
        let requests = connections.max(MIN_CONNECTIONS) - PostgresStore::RESERVED_CONNECTIONS;
        PostgresStore::connect(url.expose(), requests)
            .map(|store| Arc::new(store.with_refresh_batching(batching)) as _)
    };
    opened.map_err(|error| unusable(&error))
}

/// Opens the store for a command, and never creates a file for it. `None`: the file of SQLite does not exist.
pub fn open_existing(
    url: &Plain<DatabaseUrl>,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Store>>, SettingErrors> {
    if url.expose().starts_with("sqlite:")
        && !SqliteStore::path_of(url.expose()).map_err(|error| unusable(&error))?.exists()
    {
        return Ok(None);
    }
    open(url, clock).map(Some)
}

/// The database, for messages: scheme, user, host, port and name, or the path of the file. Without the password and the
/// options.
pub fn describe(url: &Plain<DatabaseUrl>) -> String {
    if url.expose().starts_with("sqlite:") {
        let Ok(path) = SqliteStore::path_of(url.expose()) else { return "sqlite: without a file".to_owned() };
        let path = std::path::absolute(&path).unwrap_or(path);
        return format!("sqlite://{}", path.display());
    }
    PostgresStore::describe_url(url.expose()).unwrap_or_else(|| "with a URL that cannot be parsed".to_owned())
}

fn unusable(error: &StoreError) -> SettingErrors {
    let problem = format!("cannot be used: {}", CauseChain(error));
    SettingErrors(vec![SettingError { variable: "DATABASE_URL".to_owned(), problem }])
}
