//! Rotations: one, or several in one statement.

use std::sync::Arc;

use auth_domain::{PresentedRefresh, SessionSnapshot};
use auth_store::{Answer, RotateBatch, RotateRequest, RotatedRow, Rotation, StoreError};
use chrono::TimeDelta;
use goptri::clock::Clock;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use crate::connection::ConnectionPool;
use crate::rows::{Micros, hex, micros};
use crate::session_rows::{SnapshotRow, load_snapshot};

/// The statements that rotate sessions.
#[derive(Debug, Clone)]
pub(crate) struct Rotator {
    pub(crate) writer: ConnectionPool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl RotateBatch for Rotator {
    async fn rotate_one(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let requests = to_json([(presented, idle_lifetime)]);
        let Answer { value: (rotated, row), resent } = self
            .writer
            .with_connection_answer(async |connection| {
                let now = Micros::of(self.clock.now());
                match rotate(connection, now, &requests).await?.pop() {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, now, presented.key).await?)),
                }
            })
            .await?;
        match row {
            Some(row) if rotated => Ok(Rotation::Rotated(row.try_into()?)),
            Some(row) => Ok(Rotation::not_current(row.try_into()?, resent)),
            None => Ok(Rotation::Unknown),
        }
    }

    /// One trip to the writing thread and one sync of the disk for all.
    async fn rotate_batch(&self, requests: &[RotateRequest]) -> Result<Answer<Vec<RotatedRow>>, StoreError> {
        let requests = to_json(requests.iter().map(|request| (&request.presented, request.idle_lifetime)));
        let Answer { value: rows, resent } = self
            .writer
            .with_connection_answer(async |connection| {
                rotate(connection, Micros::of(self.clock.now()), &requests).await
            })
            .await?;
        let value = rows.into_iter().map(|row| (row.key(), SessionSnapshot::try_from(row))).collect();
        Ok(Answer { value, resent })
    }
}

/// The requests in the form that the statement reads.
fn to_json<'a>(requests: impl IntoIterator<Item = (&'a PresentedRefresh, Option<TimeDelta>)>) -> String {
    let rows = requests.into_iter().map(|(presented, idle_lifetime)| {
        json!([
            presented.key.user_id.0.simple().to_string(),
            presented.key.id.0.simple().to_string(),
            presented.generation.number(),
            hex(presented.jti_hash.as_bytes()),
            presented.client_id.as_str(),
            idle_lifetime.map(micros),
            presented.began.timestamp_micros(),
            presented.remember,
        ])
    });
    rows.collect::<Value>().to_string()
}

/// Rotates the requested sessions and returns those that it rotated.
async fn rotate(
    connection: &mut SqliteConnection,
    now: Micros,
    requests: &str,
) -> Result<Vec<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        r#"update sessions
           set generation = sessions.generation + 1, previous_rotated_at = sessions.rotated_at, rotated_at = ?1,
               last_used_at = ?1, remember = sessions.remember or request.remember
           from (select unhex(value ->> 0) as user_id, unhex(value ->> 1) as id, value ->> 2 as generation,
                        unhex(value ->> 3) as jti_hash, value ->> 4 as client_id, value ->> 5 as idle,
                        value ->> 6 as began, value ->> 7 as remember
                 from json_each(?2)) request
           where sessions.user_id = request.user_id and sessions.id = request.id
             and sessions.generation = request.generation and sessions.jti_hash = request.jti_hash
             and sessions.client_id = request.client_id and sessions.rotated_at >= request.began
             and (expires_at is null or expires_at > ?1)
             and (request.idle is null or last_used_at + request.idle > ?1)
             and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
           returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                     forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                     (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                     (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                     (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                     (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                     ?1 as "now!: Micros""#,
        now,
        requests,
    )
    .fetch_all(connection)
    .await
}
