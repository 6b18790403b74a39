//! Opens a session.

use auth_domain::NewSession;
use auth_store::{OpenOutcome, StoreError};

use crate::SqliteStore;
use crate::rows::{Micros, json};
use crate::session_rows::SnapshotRow;

impl SqliteStore {
    pub(crate) async fn open(&self, session: &NewSession) -> Result<OpenOutcome, StoreError> {
        let (hash, client_id, scope) =
            (session.verified_hash.as_str(), session.client_id.as_str(), session.scope.to_string());
        let audience = json(session.audience.iter().map(String::as_str));
        let jti_hash = session.jti_hash.as_bytes().as_slice();
        let handle_hash = session.handle_hash.as_ref().map(|digest| digest.as_bytes().as_slice());
        let (user_agent, ip) = (session.user_agent.as_deref(), session.ip.as_deref());
        let mut opened = self
            .writer.with_connection_once(async |connection| {
                let now = self.now();
                let expires_at = session.lifetime.map(|lifetime| now.after(lifetime));
                sqlx::query_as!(
                    SnapshotRow,
                    r#"insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at,
                                             rotated_at, last_used_at, expires_at, user_agent, ip, remember, handle_hash)
                       select u.id, ?4, ?5, ?6, ?7, ?1, ?8, ?1, ?1, ?1, ?9, ?10, ?11, ?12, ?13
                       from users u
                       where u.id = ?2 and u.password_hash = ?3 and u.disabled_at is null
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    session.key.user_id.0,
                    hash,
                    session.key.id.0,
                    client_id,
                    scope,
                    audience,
                    jti_hash,
                    expires_at,
                    user_agent,
                    ip,
                    session.remember,
                    handle_hash,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        match opened.pop() {
            Some(row) => Ok(OpenOutcome::Opened(row.try_into()?)),
            None => Ok(OpenOutcome::Refused),
        }
    }
}
