//! Rows of `sessions`.

use auth_domain::{
    ClientId, Digest, Generation, ListedSession, Session, SessionId, SessionKey, SessionOwner,
    SessionSnapshot, UserId,
};
use auth_store::StoreError;
use chrono::{DateTime, Utc};
use goptri::Scope;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::rows::{corrupt, email, roles};

/// A session and its owner.
pub(crate) struct SnapshotRow {
    pub(crate) user_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) audience: Vec<String>,
    pub(crate) auth_time: DateTime<Utc>,
    pub(crate) jti_hash: Vec<u8>,
    pub(crate) generation: i64,
    pub(crate) forgiven_generation: Option<i64>,
    pub(crate) rotated_at: DateTime<Utc>,
    pub(crate) previous_rotated_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) remember: bool,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) disabled_at: Option<DateTime<Utc>>,
    pub(crate) now: DateTime<Utc>,
}

/// The columns of a session that was just opened.
pub(crate) struct OpenedRow {
    pub(crate) user_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) audience: Vec<String>,
    pub(crate) auth_time: DateTime<Utc>,
    pub(crate) jti_hash: Vec<u8>,
    pub(crate) generation: i64,
    pub(crate) forgiven_generation: Option<i64>,
    pub(crate) rotated_at: DateTime<Utc>,
    pub(crate) previous_rotated_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) remember: bool,
}

/// The columns of a user that a session needs.
pub(crate) struct OwnerRow {
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) disabled_at: Option<DateTime<Utc>>,
}

/// A session in the list of a user's sessions.
pub(crate) struct ListedSessionRow {
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_used_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) now: DateTime<Utc>,
}

impl TryFrom<SnapshotRow> for SessionSnapshot {
    type Error = StoreError;

    fn try_from(row: SnapshotRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("sessions", format!("{}/{}", row.user_id, row.id), what);
        let session = Session {
            key: row.key(),
            client_id: ClientId::new(row.client_id),
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            audience: row.audience,
            auth_time: row.auth_time,
            jti_hash: Digest::from_bytes(row.jti_hash.try_into().map_err(|_| corrupt("jti_hash"))?),
            generation: Generation::from_number(row.generation).ok_or_else(|| corrupt("generation"))?,
            forgiven_generation: row
                .forgiven_generation
                .map(|number| Generation::from_number(number).ok_or_else(|| corrupt("forgiven_generation")))
                .transpose()?,
            rotated_at: row.rotated_at,
            previous_rotated_at: row.previous_rotated_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            remember: row.remember,
        };
        let owner = SessionOwner {
            email: email(row.user_id, &row.email)?,
            email_verified: row.email_verified,
            roles: roles(row.user_id, &row.roles)?,
            disabled: row.disabled_at.is_some(),
        };
        Ok(Self { session, owner, now: row.now })
    }
}

impl SnapshotRow {
    pub(crate) fn opened(session: OpenedRow, owner: OwnerRow, now: DateTime<Utc>) -> Self {
        Self {
            user_id: session.user_id,
            id: session.id,
            client_id: session.client_id,
            scope: session.scope,
            audience: session.audience,
            auth_time: session.auth_time,
            jti_hash: session.jti_hash,
            generation: session.generation,
            forgiven_generation: session.forgiven_generation,
            rotated_at: session.rotated_at,
            previous_rotated_at: session.previous_rotated_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            remember: session.remember,
            email: owner.email,
            email_verified: owner.email_verified,
            roles: owner.roles,
            disabled_at: owner.disabled_at,
            now,
        }
    }

    pub(crate) fn key(&self) -> SessionKey {
        SessionKey { user_id: UserId(self.user_id), id: SessionId(self.id) }
    }
}

/// The session and its owner as they are now.
pub(crate) async fn load_snapshot(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    key: SessionKey,
) -> Result<Option<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        r#"select s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                  s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                  s.remember, u.email, u.email_verified, u.roles, u.disabled_at,
                  statement_timestamp() + $1::interval as "now!"
           from sessions s join users u on u.id = s.user_id
           where s.user_id = $2 and s.id = $3 and u.id = $2"#,
        clock_offset,
        key.user_id.0,
        key.id.0,
    )
    .fetch_optional(connection)
    .await
}

impl From<ListedSessionRow> for ListedSession {
    fn from(row: ListedSessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            client_id: ClientId::new(row.client_id),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            user_agent: row.user_agent,
            ip: row.ip,
            now: row.now,
        }
    }
}
