//! Uses of a session that do not advance it.

use auth_domain::{Generation, PresentedRefresh, SessionKey};
use auth_store::{ForgiveOutcome, StoreError, TouchOutcome};
use chrono::TimeDelta;

use crate::SqliteStore;
use crate::rows::{Micros, micros};
use crate::session_rows::{SnapshotRow, load_snapshot};

impl SqliteStore {
    pub(crate) async fn touch_session(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError> {
        let (generation, client_id) = (presented.generation.number(), presented.client_id.as_str());
        let jti_hash = presented.jti_hash.as_bytes().as_slice();
        let idle_lifetime = idle_lifetime.map(micros);
        let (touched, row) = self
            .writer.with_connection(async |connection| {
                let now = self.now();
                let mut touched = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions
                       set last_used_at = ?1, remember = remember or ?8
                       where user_id = ?2 and id = ?3 and generation >= ?4 and jti_hash = ?5 and client_id = ?6
                         and (expires_at is null or expires_at > ?1)
                         and (?7 is null or last_used_at + ?7 > ?1)
                         and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    presented.key.user_id.0,
                    presented.key.id.0,
                    generation,
                    jti_hash,
                    client_id,
                    idle_lifetime,
                    presented.remember,
                )
                .fetch_all(&mut *connection)
                .await?;
                match touched.pop() {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.now(), presented.key).await?)),
                }
            })
            .await?;
        match row {
            Some(row) if touched => Ok(TouchOutcome::Touched(row.try_into()?)),
            Some(row) => Ok(TouchOutcome::NotTouched(row.try_into()?)),
            None => Ok(TouchOutcome::Unknown),
        }
    }

    pub(crate) async fn forgive_retry(
        &self,
        key: SessionKey,
        generation: Generation,
        before: Option<Generation>,
    ) -> Result<ForgiveOutcome, StoreError> {
        let (generation, before) = (generation.number(), before.map(Generation::number));
        let mut forgiven = self
            .writer.with_connection(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions
                       set forgiven_generation = ?4, last_used_at = ?1
                       where user_id = ?2 and id = ?3 and generation = ?4 + 1
                         and forgiven_generation is not distinct from ?5
                         and (expires_at is null or expires_at > ?1)
                         and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    key.user_id.0,
                    key.id.0,
                    generation,
                    before,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        match forgiven.pop() {
            Some(row) => Ok(ForgiveOutcome::Forgiven(row.try_into()?)),
            None => Ok(ForgiveOutcome::Lost),
        }
    }
}
