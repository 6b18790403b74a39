//! What the conversions of rows to domain values share. An invalid value is an error that names the row.

use std::fmt::Write;

use auth_domain::{Email, Role};
use auth_store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// A stored time: microseconds since 1970. The driver would silently bind a `DateTime` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct Micros(pub(crate) i64);

impl Micros {
    /// Truncates to microseconds, so that the returned time is the stored one.
    pub(crate) fn of(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }

    /// This time plus `span`. If it is too late, the latest time, which a check of the table rejects.
    pub(crate) fn after(self, span: TimeDelta) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// This time minus `span`.
    pub(crate) fn before(self, span: TimeDelta) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    pub(crate) fn time(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

/// A span in microseconds, as a bind parameter.
pub(crate) fn micros(span: TimeDelta) -> i64 {
    span.num_microseconds().unwrap_or(i64::MAX)
}

/// A JSON list, as a bind parameter.
pub(crate) fn json<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<serde_json::Value>().to_string()
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The texts of a JSON list. `None`: it is malformed.
pub(crate) fn list(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

pub(crate) fn email(user: Uuid, text: &str) -> Result<Email, StoreError> {
    Email::stored(text).map_err(|_| corrupt("users", user.to_string(), "email"))
}

pub(crate) fn roles(user: Uuid, json: &str) -> Result<Vec<Role>, StoreError> {
    let corrupt = || corrupt("users", user.to_string(), "roles");
    let texts = list(json).ok_or_else(corrupt)?;
    texts.iter().map(|text| Role::parse(text).map_err(|_| corrupt())).collect()
}

pub(crate) fn corrupt(table: &'static str, id: String, what: &'static str) -> StoreError {
    StoreError::Corrupt { table, id, what }
}
