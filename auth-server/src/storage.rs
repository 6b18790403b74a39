//! Picks the store by the scheme of `DATABASE_URL`. Nothing after this knows which one it is.

use std::sync::Arc;

use auth_domain::store::{Store, StoreError};
use goptri::{Clock, Kind, Plain};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

/// The kind of `DATABASE_URL`: it may hold a password.
#[derive(Debug)]
pub enum DatabaseUrl {}
impl Kind for DatabaseUrl {
    const NAME: &'static str = "database url";
}

/// So many statements are under way at once; more wait here and not in the database.
const POSTGRES_CONNECTIONS: u32 = 16;

/// Whether a store of this program goes by that URL, in words if not.
pub fn check(url: &str) -> Result<(), String> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql" | "sqlite") => Ok(()),
        _ => Err("starts with neither sqlite:// nor postgres://".to_owned()),
    }
}

/// Opens the store. `clock` dates what SQLite stores; Postgres has its own.
pub fn open(url: &Plain<DatabaseUrl>, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    if url.expose().starts_with("sqlite:") {
        Ok(Arc::new(SqliteStore::connect(url.expose(), clock)?))
    } else {
        Ok(Arc::new(PostgresStore::connect(url.expose(), POSTGRES_CONNECTIONS)?))
    }
}
