//! What the conversions of rows to domain values share. An invalid value is an error that names the row.

use auth_domain::{Email, Role};
use auth_store::StoreError;
use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

/// A span as a bind parameter. A span that is too long becomes the longest interval, which Postgres rejects when it
/// adds it to a time.
pub(crate) fn interval(span: TimeDelta) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: span.num_microseconds().unwrap_or(i64::MAX) }
}

pub(crate) fn email(user: Uuid, text: &str) -> Result<Email, StoreError> {
    Email::stored(text).map_err(|_| corrupt("users", user.to_string(), "email"))
}

pub(crate) fn roles(user: Uuid, texts: &[String]) -> Result<Vec<Role>, StoreError> {
    let corrupt = || corrupt("users", user.to_string(), "roles");
    texts.iter().map(|text| Role::parse(text).map_err(|_| corrupt())).collect()
}

pub(crate) fn corrupt(table: &'static str, id: String, what: &'static str) -> StoreError {
    StoreError::Corrupt { table, id, what }
}
