//! Sign-ins at the pages of this server.

use async_trait::async_trait;
use auth_domain::{Digest, PasswordHash, SessionKey, SessionSnapshot, SignInHandle, SignInKey};
use auth_store::{SignIns, StoreError};

use crate::PostgresStore;
use crate::session_rows::SnapshotRow;

#[async_trait]
impl SignIns for PostgresStore {
    async fn find_sign_in(&self, key: &SignInKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"select s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                              s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                              s.remember, u.email, u.email_verified, u.roles, u.disabled_at,
                              statement_timestamp() + $1::interval as "now!"
                       from sessions s join users u on u.id = s.user_id
                       where s.user_id = $2 and s.id = $3 and s.handle_hash = $4 and u.id = $2"#,
                    self.clock_offset(),
                    key.session.user_id.0,
                    key.session.id.0,
                    key.hash.as_bytes().as_slice(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(SessionSnapshot::try_from).transpose()
    }

    async fn renew_sign_in(
        &self,
        session: SessionKey,
        to: &Digest<SignInHandle>,
        verified_hash: &PasswordHash,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        let renewed = self
            .pool
            .with_connection_once(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set handle_hash = $4, auth_time = statement_timestamp() + $1::interval,
                           last_used_at = statement_timestamp() + $1::interval
                       from users u
                       where s.user_id = $2 and s.id = $3 and s.handle_hash is not null
                         and (s.expires_at is null or s.expires_at > statement_timestamp() + $1::interval)
                         and u.id = $2 and u.disabled_at is null and u.password_hash = $5
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 s.remember, u.email, u.email_verified, u.roles, u.disabled_at, s.last_used_at as "now!""#,
                    self.clock_offset(),
                    session.user_id.0,
                    session.id.0,
                    to.as_bytes().as_slice(),
                    verified_hash.as_str(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        renewed.map(SessionSnapshot::try_from).transpose()
    }
}
