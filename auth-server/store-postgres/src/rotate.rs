//! Refreshes: alone, or several in one statement.

use std::error::Error;
use std::sync::Arc;

use auth_domain::{PresentedRefresh, SessionSnapshot};
use auth_store::{
    Batch, BatchReply, MAX_BATCH, MAX_WAIT_FOR_IN_FLIGHT, RotateRequest, Rotation, RotationBatcher,
    StoreError,
};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use sqlx::PgPool;
use sqlx::postgres::types::PgInterval;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::PostgresStore;
use crate::rows::{SnapshotRow, interval};
use crate::sessions::load_snapshot;
use crate::store::ask;

/// The queue of a store. It knows the store's connections, and not the store, which has the queue.
pub(crate) fn grouping(pool: PgPool, clock_offset: ManualClock, runtime: Handle) -> RotationBatcher {
    RotationBatcher::new(MAX_BATCH, move |group, under_way| {
        let (pool, shift) = (pool.clone(), interval(clock_offset.ahead()));
        runtime.spawn(async move {
            let together = rotate_together(&pool, shift, group);
            under_way.during(together, sleep(MAX_WAIT_FOR_IN_FLIGHT)).await;
        });
    })
}

impl PostgresStore {
    /// Goes at once when nobody is under way, and otherwise with all who wait.
    pub(crate) async fn rotate_in_turn(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let rotating = || RotateRequest { presented: presented.clone(), idle_lifetime };
        let alone = self.rotate_alone(presented, idle_lifetime);
        self.rotations.rotate(rotating, alone, sleep(MAX_WAIT_FOR_IN_FLIGHT)).await
    }

    async fn rotate_alone(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let (rotated, row) = self
            .ask(async |connection| {
                let rotated = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set generation = s.generation + 1, rotated_at = c.now, last_used_at = c.now
                       from users u, (select statement_timestamp() + $1::interval as now) c
                       where s.user_id = $2 and s.id = $3 and s.generation = $4 and s.jti_hash = $5 and s.client_id = $6
                         and (s.expires_at is null or s.expires_at > c.now)
                         and ($7::interval is null or s.last_used_at + $7 > c.now)
                         and u.id = s.user_id and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.last_used_at, s.expires_at,
                                 u.email, u.email_verified, u.roles, u.disabled_at, c.now as "now!""#,
                    self.clock_offset(),
                    presented.key.user_id.0,
                    presented.key.id.0,
                    presented.generation.number(),
                    presented.jti_hash.as_bytes().as_slice(),
                    presented.client_id.as_str(),
                    idle_lifetime.map(interval),
                )
                .fetch_optional(&mut *connection)
                .await?;
                match rotated {
                    Some(row) => Ok((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.clock_offset(), presented.key).await?)),
                }
            })
            .await?;
        match row {
            Some(row) if rotated => Ok(Rotation::Rotated(row.try_into()?)),
            Some(row) => Ok(Rotation::NotCurrent(row.try_into()?)),
            None => Ok(Rotation::Unknown),
        }
    }
}

/// One statement for all. It waits for no row that somebody works on, so that nobody in it waits for another's session, and two
/// groups never wait for each other.
async fn rotate_together(pool: &PgPool, shift: PgInterval, group: Batch) {
    let answers = match rows_of(pool, shift, &group).await {
        Ok(rows) => in_order(group.refreshes().len(), rows),
        Err(StoreError::Unavailable(cause)) => {
            let cause: Arc<dyn Error + Send + Sync> = cause.into();
            let away = |_| Err(StoreError::Unavailable(Box::new(SharedError(Arc::clone(&cause)))));
            group.refreshes().map(away).collect()
        }
        // It may be the fault of one of them.
        Err(error) => {
            tracing::warn!(%error, "several refreshes in one statement failed; each is tried alone");
            group.refreshes().map(|_| Ok(None)).collect()
        }
    };
    group.answer(answers);
}

/// Why a group could not be served, for each of them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SharedError(Arc<dyn Error + Send + Sync>);

/// The answer for each, which is at the place of its number.
fn in_order(all: usize, rows: Vec<(i64, SnapshotRow)>) -> Vec<BatchReply> {
    let mut answers: Vec<BatchReply> = (0..all).map(|_| Ok(None)).collect();
    for (number, row) in rows {
        let place = usize::try_from(number - 1).ok();
        if let Some(answer) = place.and_then(|place| answers.get_mut(place)) {
            *answer = SessionSnapshot::try_from(row).map(Some);
        }
    }
    answers
}

/// Those that rotated, each with its number in the group, counted from 1.
#[expect(clippy::too_many_lines, reason = "one statement")]
async fn rows_of(
    pool: &PgPool,
    shift: PgInterval,
    group: &Batch,
) -> Result<Vec<(i64, SnapshotRow)>, StoreError> {
    let presented = || group.refreshes().map(|rotating| &rotating.presented);
    let users: Vec<_> = presented().map(|presented| presented.key.user_id.0).collect();
    let sessions: Vec<_> = presented().map(|presented| presented.key.id.0).collect();
    let generations: Vec<_> = presented().map(|presented| presented.generation.number()).collect();
    let hashes: Vec<_> = presented().map(|presented| presented.jti_hash.as_bytes().to_vec()).collect();
    let clients: Vec<_> = presented().map(|presented| presented.client_id.as_str().to_owned()).collect();
    let idle: Vec<_> = group.refreshes().map(|rotating| rotating.idle_lifetime.map(interval)).collect();
    let rows = ask(pool, async |connection| {
        let rotated = sqlx::query!(
            r#"with asked as (
                   select * from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bytea[], $6::text[], $7::interval[])
                       with ordinality as a (user_id, id, generation, jti_hash, client_id, idle, number)
               ), free as materialized (
                   select a.* from asked a join sessions s on s.user_id = a.user_id and s.id = a.id
                   for update of s skip locked
               )
               update sessions s
               set generation = s.generation + 1, rotated_at = c.now, last_used_at = c.now
               from free f, users u, (select statement_timestamp() + $1::interval as now) c
               where s.user_id = f.user_id and s.id = f.id and s.generation = f.generation and s.jti_hash = f.jti_hash
                 and s.client_id = f.client_id
                 and (s.expires_at is null or s.expires_at > c.now)
                 and (f.idle is null or s.last_used_at + f.idle > c.now)
                 and u.id = s.user_id and u.disabled_at is null
               returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                         s.forgiven_generation, s.rotated_at, s.last_used_at, s.expires_at,
                         u.email, u.email_verified, u.roles, u.disabled_at, c.now as "now!", f.number as "number!""#,
            shift,
            &users,
            &sessions,
            &generations,
            &hashes,
            &clients,
            &idle as &[Option<PgInterval>],
        );
        rotated.fetch_all(connection).await
    })
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let snapshot = SnapshotRow {
                user_id: row.user_id,
                id: row.id,
                client_id: row.client_id,
                scope: row.scope,
                audience: row.audience,
                auth_time: row.auth_time,
                jti_hash: row.jti_hash,
                generation: row.generation,
                forgiven_generation: row.forgiven_generation,
                rotated_at: row.rotated_at,
                last_used_at: row.last_used_at,
                expires_at: row.expires_at,
                email: row.email,
                email_verified: row.email_verified,
                roles: row.roles,
                disabled_at: row.disabled_at,
                now: row.now,
            };
            (row.number, snapshot)
        })
        .collect())
}
