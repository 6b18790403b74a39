//! Picks the store by the scheme of `DATABASE_URL`. Nothing after this knows which one it is.

use std::sync::Arc;

use auth_store::{Store, StoreError};
use goptri::Clock;
use goptri_settings::{Plain, SecretKind, SettingError, SettingErrors};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use url::Url;

use crate::flow::Failure;

/// The kind of `DATABASE_URL`: it may hold a password.
#[derive(Debug)]
pub enum DatabaseUrl {}
impl SecretKind for DatabaseUrl {
    const NAME: &'static str = "database url";
}

/// Whether a store of this program goes by that URL, in words if not.
pub fn check(url: &str) -> Result<(), String> {
    match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => match Url::parse(url) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("is not a URL: {error}")),
        },
        Some(("sqlite", rest)) if rest.contains(":memory:") || rest.contains("mode=memory") => {
            Err("is a database in memory, of which each connection would have its own; name a file"
                .to_owned())
        }
        Some(("sqlite", _)) => Ok(()),
        _ => Err("starts with neither sqlite:// nor postgres://".to_owned()),
    }
}

/// Opens the store, which connects when it is first asked. `clock` dates what SQLite stores; Postgres has its own.
///
/// # Errors
/// The URL cannot be used, for instance because its file cannot be made: that is a fault of the configuration.
pub fn open(url: &Plain<DatabaseUrl>, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, SettingErrors> {
    let opened: Result<Arc<dyn Store>, StoreError> = if url.expose().starts_with("sqlite:") {
        SqliteStore::connect(url.expose(), clock).map(|store| Arc::new(store) as _)
    } else {
        PostgresStore::connect(url.expose(), PostgresStore::MAX_CONNECTIONS).map(|store| Arc::new(store) as _)
    };
    opened.map_err(|error| {
        let problem = format!("cannot be used: {}", Failure::from(error));
        SettingErrors(vec![SettingError { variable: "DATABASE_URL".to_owned(), problem }])
    })
}
