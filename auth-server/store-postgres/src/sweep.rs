//! Deletes old sessions and entries of the feed, slice by slice, on a connection that requests do not use.

use std::collections::BTreeMap;

use auth_domain::{SessionId, SessionKey, UserId};
use auth_store::{REVOCATION_LIFETIME, SessionSweep, StoreError};
use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::interval;
use crate::transactions::transact_on;

impl PostgresStore {
    pub(crate) async fn sweep_slice(
        &self,
        after: Option<SessionKey>,
        max: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError> {
        let slice = self
            .background_pool
            .with_connection(async |connection| {
                examine(connection, self.clock_offset(), after, max, idle_lifetime).await
            })
            .await?;
        let is_full = u32::try_from(slice.len()).is_ok_and(|examined| examined == max);
        let last = slice.last().filter(|_| is_full).map(|(key, _)| *key);
        let mut ended_by_time: BTreeMap<UserId, Vec<Uuid>> = BTreeMap::new();
        for (key, _) in slice.into_iter().filter(|(_, is_old)| *is_old) {
            ended_by_time.entry(key.user_id).or_default().push(key.id.0);
        }
        if ended_by_time.is_empty() {
            return Ok(SessionSweep { swept: 0, last });
        }
        let swept = self.run_detached(move |store| {
            let ended_by_time = ended_by_time.clone();
            async move { store.sweep_users(&ended_by_time, idle_lifetime).await }
        });
        Ok(SessionSweep { swept: swept.await?, last })
    }

    /// Waits for no lock, so the order of users does not matter.
    async fn sweep_users(
        &self,
        ended_by_time: &BTreeMap<UserId, Vec<Uuid>>,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<u64, StoreError> {
        transact_on(&self.background_pool, async |transaction| {
            let mut swept = 0;
            for (user, sessions) in ended_by_time {
                swept += delete(transaction, self.clock_offset(), *user, sessions, idle_lifetime).await?;
            }
            Ok(swept)
        })
        .await
    }

    /// Deletes the oldest entries of the feed that have expired. Another sweep at the same time waits for this one, and
    /// then finds them gone.
    pub(crate) async fn sweep_expired(&self, max: u32) -> Result<u64, StoreError> {
        self.run_detached(move |store| async move {
            store
                .background_pool
                .with_connection(async |connection| {
                    delete_expired(connection, store.clock_offset(), max).await
                })
                .await
        })
        .await
    }
}

/// The keys of the first `max` sessions after `after`, in their order, and whether each is to be deleted.
async fn examine(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    after: Option<SessionKey>,
    max: u32,
    idle_lifetime: Option<TimeDelta>,
) -> Result<Vec<(SessionKey, bool)>, Error> {
    // The nil UUID sorts before all others, and no user has it.
    let (user_id, id) = after.map_or((Uuid::nil(), Uuid::nil()), |key| (key.user_id.0, key.id.0));
    let slice = sqlx::query!(
        "select user_id, id,
                expires_at <= statement_timestamp() + $1::interval - $5::interval
                or last_used_at <= statement_timestamp() + $1::interval - $5::interval - $6::interval as is_old
         from sessions where (user_id, id) > ($2, $3) order by user_id, id limit $4",
        clock_offset,
        user_id,
        id,
        i64::from(max),
        interval(REVOCATION_LIFETIME),
        idle_lifetime.map(interval),
    )
    .fetch_all(connection)
    .await?;
    let examined = slice.into_iter().map(|row| {
        let key = SessionKey { user_id: UserId(row.user_id), id: SessionId(row.id) };
        // Null: it ends at no time.
        (key, row.is_old.unwrap_or(false))
    });
    Ok(examined.collect())
}

/// Deletes those of a user's sessions that are still to be deleted and that no transaction has locked.
async fn delete(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    sessions: &[Uuid],
    idle_lifetime: Option<TimeDelta>,
) -> Result<u64, Error> {
    let delete = sqlx::query!(
        "with old as (
             select id from sessions
             where user_id = $2 and id = any($3)
               and (expires_at <= statement_timestamp() + $1::interval - $4::interval
                    or last_used_at <= statement_timestamp() + $1::interval - $4::interval - $5::interval)
             for update skip locked
         )
         delete from sessions s using old where s.user_id = $2 and s.id = old.id",
        clock_offset,
        user.0,
        sessions,
        interval(REVOCATION_LIFETIME),
        idle_lifetime.map(interval),
    );
    Ok(delete.execute(transaction).await?.rows_affected())
}

/// Deletes up to the last of the `max` oldest entries that have expired.
async fn delete_expired(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    max: u32,
) -> Result<u64, Error> {
    let last = sqlx::query!(
        r#"select expires_at as "expires_at!", user_id as "user_id!", kind as "kind!", subject as "subject!"
           from (
               select expires_at, user_id, kind, subject from revocations
               where expires_at <= statement_timestamp() + $1::interval
               order by expires_at, user_id, kind, subject limit $2
           ) oldest
           order by expires_at desc, user_id desc, kind desc, subject desc limit 1"#,
        clock_offset,
        i64::from(max),
    );
    let Some(last) = last.fetch_optional(&mut *connection).await? else { return Ok(0) };
    let delete = sqlx::query!(
        "delete from revocations
         where expires_at <= $1 and (expires_at, user_id, kind, subject) <= ($1, $2, $3, $4)",
        last.expires_at,
        last.user_id,
        last.kind,
        last.subject,
    );
    Ok(delete.execute(connection).await?.rows_affected())
}
