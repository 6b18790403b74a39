//! Rotations: one in a statement of its own, or several in one statement.

use auth_domain::{PresentedRefresh, SessionSnapshot};
use auth_store::{Answer, RotateBatch, RotateRequest, RotatedRow, Rotation, StoreError};
use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;

use crate::clock::DatabaseClock;
use crate::connection::ConnectionPool;
use crate::rows::interval;
use crate::session_rows::{SnapshotRow, load_snapshot};

/// The statements that rotate sessions.
#[derive(Debug, Clone)]
pub(crate) struct Rotator {
    pub(crate) pool: ConnectionPool,
    pub(crate) clock: DatabaseClock,
}

impl RotateBatch for Rotator {
    async fn rotate_one(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let Answer { value: (rotated, row), resent } = self
            .pool
            .with_connection_answer(async |connection| {
                let rotated = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set generation = s.generation + 1, previous_rotated_at = s.rotated_at,
                           rotated_at = statement_timestamp() + $1::interval,
                           last_used_at = statement_timestamp() + $1::interval, remember = s.remember or $9
                       from users u
                       where s.user_id = $2 and s.id = $3 and s.generation = $4 and s.jti_hash = $5 and s.client_id = $6
                         and (s.expires_at is null or s.expires_at > statement_timestamp() + $1::interval)
                         and s.rotated_at >= $8
                         and ($7::interval is null
                              or s.last_used_at > statement_timestamp() + $1::interval - $7::interval)
                         and u.id = $2 and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 s.remember, u.email, u.email_verified, u.roles, u.disabled_at, s.last_used_at as "now!""#,
                    self.clock.offset(),
                    presented.key.user_id.0,
                    presented.key.id.0,
                    presented.generation.number(),
                    presented.jti_hash.as_bytes().as_slice(),
                    presented.client_id.as_str(),
                    idle_lifetime.map(interval),
                    presented.began,
                    presented.remember,
                )
                .fetch_optional(&mut *connection)
                .await?;
                match rotated {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.clock.offset(), presented.key).await?)),
                }
            })
            .await?;
        match row {
            Some(row) if rotated => Ok(Rotation::Rotated(row.try_into()?)),
            Some(row) => Ok(Rotation::not_current(row.try_into()?, resent)),
            None => Ok(Rotation::Unknown),
        }
    }

    /// Skips rows that another transaction has locked, so that no request waits for a session that is not its own, and
    /// batches never wait for each other.
    async fn rotate_batch(&self, requests: &[RotateRequest]) -> Result<Answer<Vec<RotatedRow>>, StoreError> {
        let presented = || requests.iter().map(|request| &request.presented);
        let users: Vec<_> = presented().map(|presented| presented.key.user_id.0).collect();
        let sessions: Vec<_> = presented().map(|presented| presented.key.id.0).collect();
        let generations: Vec<_> = presented().map(|presented| presented.generation.number()).collect();
        let hashes: Vec<_> = presented().map(|presented| presented.jti_hash.as_bytes().to_vec()).collect();
        let clients: Vec<_> = presented().map(|presented| presented.client_id.as_str().to_owned()).collect();
        let began: Vec<_> = presented().map(|presented| presented.began).collect();
        let remember: Vec<_> = presented().map(|presented| presented.remember).collect();
        let idle: Vec<_> = requests.iter().map(|request| request.idle_lifetime.map(interval)).collect();
        let Answer { value: rows, resent } = self
            .pool
            .with_connection_answer(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"with request as (
                           select * from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bytea[], $6::text[], $7::interval[],
                                                $8::timestamptz[], $9::boolean[])
                               as r (user_id, id, generation, jti_hash, client_id, idle, began, remember)
                       ), unlocked as materialized (
                           select r.* from request r join sessions s on s.user_id = r.user_id and s.id = r.id
                           for update of s skip locked
                       )
                       update sessions s
                       set generation = s.generation + 1, previous_rotated_at = s.rotated_at, rotated_at = c.now,
                           last_used_at = c.now, remember = s.remember or r.remember
                       from unlocked r, users u, (select statement_timestamp() + $1::interval as now) c
                       where s.user_id = r.user_id and s.id = r.id and s.generation = r.generation and s.jti_hash = r.jti_hash
                         and s.client_id = r.client_id and s.rotated_at >= r.began
                         and (s.expires_at is null or s.expires_at > c.now)
                         and (r.idle is null or s.last_used_at + r.idle > c.now)
                         and u.id = s.user_id and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 s.remember, u.email, u.email_verified, u.roles, u.disabled_at, c.now as "now!""#,
                    self.clock.offset(),
                    &users,
                    &sessions,
                    &generations,
                    &hashes,
                    &clients,
                    &idle as &[Option<PgInterval>],
                    &began,
                    &remember,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        let value = rows.into_iter().map(|row| (row.key(), SessionSnapshot::try_from(row))).collect();
        Ok(Answer { value, resent })
    }
}
