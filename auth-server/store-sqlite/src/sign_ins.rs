//! Sign-ins at the pages of this server.

use async_trait::async_trait;
use auth_domain::{Digest, PasswordHash, SessionKey, SessionSnapshot, SignInHandle, SignInKey};
use auth_store::{SignIns, StoreError};

use crate::SqliteStore;
use crate::rows::Micros;
use crate::session_rows::SnapshotRow;

#[async_trait]
impl SignIns for SqliteStore {
    async fn find_sign_in(&self, key: &SignInKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let hash = key.hash.as_bytes().as_slice();
        let found = self
            .readers
            .with_connection(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    SnapshotRow,
                    r#"select s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                              s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                              s.remember, u.email, u.email_verified, u.roles, u.disabled_at, ?1 as "now!: Micros"
                       from sessions s join users u on u.id = s.user_id
                       where s.user_id = ?2 and s.id = ?3 and s.handle_hash = ?4"#,
                    now,
                    key.session.user_id.0,
                    key.session.id.0,
                    hash,
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
        let (to, verified_hash) = (to.as_bytes().as_slice(), verified_hash.as_str());
        let mut renewed = self
            .writer
            .with_connection_once(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions
                       set handle_hash = ?4, auth_time = ?1, last_used_at = ?1
                       where user_id = ?2 and id = ?3 and handle_hash is not null and (expires_at is null or expires_at > ?1)
                         and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null
                                                             and u.password_hash = ?5)
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    session.user_id.0,
                    session.id.0,
                    to,
                    verified_hash,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        renewed.pop().map(SessionSnapshot::try_from).transpose()
    }
}
