//! Refreshes: alone, or several in one statement.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use auth_domain::{PresentedRefresh, SessionSnapshot};
use auth_store::{
    Batch, BatchReply, MAX_BATCH, MAX_WAIT_FOR_IN_FLIGHT, RotateRequest, Rotation, RotationBatcher,
    StoreError,
};
use chrono::TimeDelta;
use goptri::clock::Clock;
use serde_json::{Value, json};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::SqliteStore;
use crate::rows::{Micros, SnapshotRow, micros};
use crate::sessions::load_snapshot;
use crate::store::ask;

/// The queue of a store. It knows the connection that writes, and not the store, which has the queue.
pub(crate) fn grouping(writer: SqlitePool, clock: Arc<dyn Clock>) -> RotationBatcher {
    let runtime = Handle::current();
    RotationBatcher::new(MAX_BATCH, move |group, under_way| {
        let (writer, clock) = (writer.clone(), Arc::clone(&clock));
        runtime.spawn(async move {
            let together = rotate_together(&writer, clock.as_ref(), group);
            under_way.during(together, sleep(MAX_WAIT_FOR_IN_FLIGHT)).await;
        });
    })
}

impl SqliteStore {
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
        let asked = asked([(presented, idle_lifetime)]);
        let (rotated, row) = self
            .write(async |connection| match all_rotated(connection, self.now(), &asked).await?.pop() {
                Some(row) => Ok((true, Some(row))),
                None => Ok((false, load_snapshot(connection, self.now(), presented.key).await?)),
            })
            .await?;
        match row {
            Some(row) if rotated => Ok(Rotation::Rotated(row.try_into()?)),
            Some(row) => Ok(Rotation::NotCurrent(row.try_into()?)),
            None => Ok(Rotation::Unknown),
        }
    }
}

/// One statement for all, and so one sync of the disk and one way to the thread that writes.
async fn rotate_together(writer: &SqlitePool, clock: &dyn Clock, group: Batch) {
    let asked = asked(group.refreshes().map(|one| (&one.presented, one.idle_lifetime)));
    let rows = ask(writer, async |connection| all_rotated(connection, Micros::of(clock.now()), &asked).await);
    let answers: Vec<BatchReply> = match rows.await {
        Ok(rows) => {
            // A session is once in a group.
            let mut rows: HashMap<_, _> = rows.into_iter().map(|row| ((row.user_id, row.id), row)).collect();
            let keys =
                group.refreshes().map(|RotateRequest { presented: PresentedRefresh { key, .. }, .. }| key);
            let rows = keys.map(|key| rows.remove(&(key.user_id.0, key.id.0)));
            rows.map(|row| row.map(SessionSnapshot::try_from).transpose()).collect()
        }
        // Each tries alone, and hears what is wrong for itself.
        Err(error) => {
            tracing::warn!(%error, "several refreshes in one statement failed; each is tried alone");
            group.refreshes().map(|_| Ok(None)).collect()
        }
    };
    group.answer(answers);
}

/// What is asked for, as the statement reads it.
fn asked<'a>(refreshes: impl IntoIterator<Item = (&'a PresentedRefresh, Option<TimeDelta>)>) -> String {
    let rows = refreshes.into_iter().map(|(presented, idle_lifetime)| {
        let hash = presented.jti_hash.as_bytes().iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        json!([
            presented.key.user_id.0.simple().to_string(),
            presented.key.id.0.simple().to_string(),
            presented.generation.number(),
            hash,
            presented.client_id.as_str(),
            idle_lifetime.map(micros),
        ])
    });
    rows.collect::<Value>().to_string()
}

/// The sessions that rotated, of those that were asked for.
async fn all_rotated(
    connection: &mut SqliteConnection,
    now: Micros,
    asked: &str,
) -> Result<Vec<SnapshotRow>, sqlx::Error> {
    sqlx::query_as!(
        SnapshotRow,
        r#"update sessions
           set generation = sessions.generation + 1, rotated_at = ?1, last_used_at = ?1
           from (select unhex(value ->> 0) as user_id, unhex(value ->> 1) as id, value ->> 2 as generation,
                        unhex(value ->> 3) as jti_hash, value ->> 4 as client_id, value ->> 5 as idle
                 from json_each(?2)) asked
           where sessions.user_id = asked.user_id and sessions.id = asked.id
             and sessions.generation = asked.generation and sessions.jti_hash = asked.jti_hash
             and sessions.client_id = asked.client_id
             and (expires_at is null or expires_at > ?1)
             and (asked.idle is null or last_used_at + asked.idle > ?1)
             and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
           returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                     forgiven_generation, rotated_at, last_used_at, expires_at,
                     (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                     (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                     (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                     (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                     ?1 as "now!: Micros""#,
        now,
        asked,
    )
    .fetch_all(connection)
    .await
}
