//! Conversion of rows to domain values. An invalid value is an error that names the row.

use auth_domain::{
    ClientId, Credentials, Digest, Email, EmailKey, Generation, ListedSession, PasswordHash, Role, Session,
    SessionId, SessionKey, SessionOwner, SessionSnapshot, StoredEmail, User, UserId,
};
use auth_store::{RevocationKind, RevocationRecord, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use sqlx::SqliteConnection;
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

    /// This time plus `span`. SQLite rejects a time that is too late for it, instead of an earlier one being used here.
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

/// A session and its owner.
pub(crate) struct SnapshotRow {
    pub(crate) user_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) audience: String,
    pub(crate) auth_time: Micros,
    pub(crate) jti_hash: Vec<u8>,
    pub(crate) generation: i64,
    pub(crate) forgiven_generation: Option<i64>,
    pub(crate) rotated_at: Micros,
    pub(crate) previous_rotated_at: Option<Micros>,
    pub(crate) last_used_at: Micros,
    pub(crate) expires_at: Option<Micros>,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: String,
    pub(crate) disabled_at: Option<Micros>,
    pub(crate) now: Micros,
}

/// A session in the list of a user's sessions.
pub(crate) struct ListedSessionRow {
    pub(crate) user_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) created_at: Micros,
    pub(crate) last_used_at: Micros,
    pub(crate) expires_at: Option<Micros>,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) now: Micros,
}

/// A revocation.
pub(crate) struct RevokedRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) created_at: Micros,
    pub(crate) expires_at: Micros,
}

/// A user.
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: String,
    pub(crate) created_at: Micros,
    pub(crate) disabled_at: Option<Micros>,
}

/// The address and the key of a user.
pub(crate) struct StoredEmailRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_key: String,
    pub(crate) created_at: Micros,
}

/// The credentials of a user.
pub(crate) struct CredentialsRow {
    pub(crate) id: Uuid,
    pub(crate) password_hash: Option<String>,
}

impl TryFrom<SnapshotRow> for SessionSnapshot {
    type Error = StoreError;

    fn try_from(row: SnapshotRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("sessions", format!("{}/{}", row.user_id, row.id), what);
        let time = |micros: Micros, what| micros.time().ok_or_else(|| corrupt(what));
        let session = Session {
            key: row.key(),
            client_id: ClientId::new(row.client_id),
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            audience: list(&row.audience).ok_or_else(|| corrupt("audience"))?,
            auth_time: time(row.auth_time, "auth_time")?,
            jti_hash: Digest::from_bytes(row.jti_hash.try_into().map_err(|_| corrupt("jti_hash"))?),
            generation: Generation::from_number(row.generation).ok_or_else(|| corrupt("generation"))?,
            forgiven_generation: row
                .forgiven_generation
                .map(|number| Generation::from_number(number).ok_or_else(|| corrupt("forgiven_generation")))
                .transpose()?,
            rotated_at: time(row.rotated_at, "rotated_at")?,
            previous_rotated_at: row
                .previous_rotated_at
                .map(|micros| time(micros, "previous_rotated_at"))
                .transpose()?,
            last_used_at: time(row.last_used_at, "last_used_at")?,
            expires_at: row.expires_at.map(|micros| time(micros, "expires_at")).transpose()?,
        };
        let owner = SessionOwner {
            email: email(row.user_id, &row.email)?,
            email_verified: row.email_verified,
            roles: roles(row.user_id, &row.roles)?,
            disabled: row.disabled_at.is_some(),
        };
        Ok(Self { session, owner, now: time(row.now, "now")? })
    }
}

impl SnapshotRow {
    pub(crate) fn key(&self) -> SessionKey {
        SessionKey { user_id: UserId(self.user_id), id: SessionId(self.id) }
    }
}

/// The session and its owner as they are now.
pub(crate) async fn load_snapshot(
    connection: &mut SqliteConnection,
    now: Micros,
    key: SessionKey,
) -> Result<Option<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        r#"select s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                  s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                  u.email, u.email_verified, u.roles, u.disabled_at, ?1 as "now!: Micros"
           from sessions s join users u on u.id = s.user_id
           where s.user_id = ?2 and s.id = ?3"#,
        now,
        key.user_id.0,
        key.id.0,
    )
    .fetch_optional(connection)
    .await
}

impl TryFrom<ListedSessionRow> for ListedSession {
    type Error = StoreError;

    fn try_from(row: ListedSessionRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("sessions", format!("{}/{}", row.user_id, row.id), what);
        let time = |micros: Micros, what| micros.time().ok_or_else(|| corrupt(what));
        Ok(Self {
            id: SessionId(row.id),
            client_id: ClientId::new(row.client_id),
            created_at: time(row.created_at, "created_at")?,
            last_used_at: time(row.last_used_at, "last_used_at")?,
            expires_at: row.expires_at.map(|micros| time(micros, "expires_at")).transpose()?,
            user_agent: row.user_agent,
            ip: row.ip,
            now: time(row.now, "now")?,
        })
    }
}

impl TryFrom<RevokedRow> for RevocationRecord {
    type Error = StoreError;

    fn try_from(row: RevokedRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("revocations", row.seq.to_string(), what);
        let time = |micros: Micros, what| micros.time().ok_or_else(|| corrupt(what));
        Ok(Self {
            kind: RevocationKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?,
            created_at: time(row.created_at, "created_at")?,
            expires_at: time(row.expires_at, "expires_at")?,
            subject: row.subject,
        })
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let time =
            |micros: Micros, what| micros.time().ok_or_else(|| corrupt("users", row.id.to_string(), what));
        Ok(Self {
            id: UserId(row.id),
            email: email(row.id, &row.email)?,
            email_verified: row.email_verified,
            roles: roles(row.id, &row.roles)?,
            created_at: time(row.created_at, "created_at")?,
            disabled_at: row.disabled_at.map(|micros| time(micros, "disabled_at")).transpose()?,
        })
    }
}

impl TryFrom<StoredEmailRow> for StoredEmail {
    type Error = StoreError;

    fn try_from(row: StoredEmailRow) -> Result<Self, StoreError> {
        let created_at = row.created_at.time();
        Ok(Self {
            user_id: UserId(row.id),
            email: email(row.id, &row.email)?,
            key: EmailKey::stored(row.email_key),
            created_at: created_at.ok_or_else(|| corrupt("users", row.id.to_string(), "created_at"))?,
        })
    }
}

impl From<CredentialsRow> for Credentials {
    fn from(row: CredentialsRow) -> Self {
        Self { user_id: UserId(row.id), password_hash: row.password_hash.map(PasswordHash::from_phc) }
    }
}

/// A bind parameter.
pub(crate) fn micros(span: TimeDelta) -> i64 {
    span.num_microseconds().unwrap_or(i64::MAX)
}

/// A bind parameter.
pub(crate) fn json<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<serde_json::Value>().to_string()
}

fn list(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

fn email(user: Uuid, text: &str) -> Result<Email, StoreError> {
    Email::stored(text).map_err(|_| corrupt("users", user.to_string(), "email"))
}

fn roles(user: Uuid, json: &str) -> Result<Vec<Role>, StoreError> {
    let corrupt = || corrupt("users", user.to_string(), "roles");
    let texts = list(json).ok_or_else(corrupt)?;
    texts.iter().map(|text| Role::parse(text).map_err(|_| corrupt())).collect()
}

pub(crate) fn corrupt(table: &'static str, id: String, what: &'static str) -> StoreError {
    StoreError::Corrupt { table, id, what }
}
