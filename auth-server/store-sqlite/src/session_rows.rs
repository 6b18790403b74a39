//! Rows of `sessions`.

use auth_domain::{
    ClientId, Digest, Generation, ListedSession, Session, SessionId, SessionKey, SessionOwner,
    SessionSnapshot, UserId,
};
use auth_store::StoreError;
use goptri::Scope;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::rows::{Micros, corrupt, email, list, roles};

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
    pub(crate) remember: bool,
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
            remember: row.remember,
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
                  s.remember, u.email, u.email_verified, u.roles, u.disabled_at, ?1 as "now!: Micros"
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
