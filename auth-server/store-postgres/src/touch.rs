//! Uses of a session that do not advance it.

use auth_domain::{Generation, PresentedRefresh, SessionKey};
use auth_store::{ForgiveOutcome, StoreError, TouchOutcome};
use chrono::TimeDelta;

use crate::PostgresStore;
use crate::rows::interval;
use crate::session_rows::{SnapshotRow, load_snapshot};

impl PostgresStore {
    pub(crate) async fn touch_session(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError> {
        let (touched, row) = self
            .pool.with_connection(async |connection| {
                let touched = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set last_used_at = statement_timestamp() + $1::interval, remember = s.remember or $8
                       from users u
                       where s.user_id = $2 and s.id = $3 and s.generation >= $4 and s.jti_hash = $5 and s.client_id = $6
                         and (s.expires_at is null or s.expires_at > statement_timestamp() + $1::interval)
                         and ($7::interval is null
                              or s.last_used_at > statement_timestamp() + $1::interval - $7::interval)
                         and u.id = $2 and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 s.remember, u.email, u.email_verified, u.roles, u.disabled_at, s.last_used_at as "now!""#,
                    self.clock_offset(),
                    presented.key.user_id.0,
                    presented.key.id.0,
                    presented.generation.number(),
                    presented.jti_hash.as_bytes().as_slice(),
                    presented.client_id.as_str(),
                    idle_lifetime.map(interval),
                    presented.remember,
                )
                .fetch_optional(&mut *connection)
                .await?;
                match touched {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.clock_offset(), presented.key).await?)),
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
        let forgiven = self
            .pool.with_connection(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set forgiven_generation = $4::bigint, last_used_at = statement_timestamp() + $1::interval
                       from users u
                       where s.user_id = $2 and s.id = $3 and s.generation = $4::bigint + 1
                         and s.forgiven_generation is not distinct from $5
                         and (s.expires_at is null or s.expires_at > statement_timestamp() + $1::interval)
                         and u.id = $2 and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 s.remember, u.email, u.email_verified, u.roles, u.disabled_at, s.last_used_at as "now!""#,
                    self.clock_offset(),
                    key.user_id.0,
                    key.id.0,
                    generation.number(),
                    before.map(Generation::number),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        match forgiven {
            Some(row) => Ok(ForgiveOutcome::Forgiven(row.try_into()?)),
            None => Ok(ForgiveOutcome::Lost),
        }
    }
}
