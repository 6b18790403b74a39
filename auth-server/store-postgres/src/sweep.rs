//! Deletes old sessions and entries of the feed, slice by slice, on a connection that requests do not use.

use std::collections::BTreeMap;

use auth_domain::{SessionId, SessionKey, UserId};
use auth_store::{REVOCATION_LIFETIME, SessionSweep, StoreError};
use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::end_children;
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
        let (mut sessions, mut sign_ins): (Old, Old) = Default::default();
        for (key, state) in slice {
            match state {
                State::InUse => {}
                State::Old => sessions.entry(key.user_id).or_default().push(key.id.0),
                State::OldSignIn => sign_ins.entry(key.user_id).or_default().push(key.id.0),
            }
        }
        let mut swept = 0;
        if !sessions.is_empty() {
            let sweep = self.run_detached(move |store| {
                let sessions = sessions.clone();
                async move { store.sweep_users(&sessions, idle_lifetime).await }
            });
            swept += sweep.await?;
        }
        for (user, sign_ins) in sign_ins {
            let sweep = self.run_detached(move |store| {
                let sign_ins = sign_ins.clone();
                async move { store.sweep_sign_ins(user, &sign_ins, idle_lifetime).await }
            });
            swept += sweep.await?;
        }
        Ok(SessionSweep { swept, last })
    }

    /// Waits for no lock, so the order of users does not matter.
    async fn sweep_users(&self, old: &Old, idle_lifetime: Option<TimeDelta>) -> Result<u64, StoreError> {
        transact_on(&self.background_pool, async |transaction| {
            let mut swept = 0;
            for (user, sessions) in old {
                let deleted = delete(transaction, self.clock_offset(), *user, sessions, idle_lifetime);
                swept += count(&deleted.await?);
            }
            Ok(swept)
        })
        .await
    }

    /// One user at a time: the sessions that end with a sign-in may be in use, so this waits for their locks, and their
    /// entries of the feed commit on one node.
    async fn sweep_sign_ins(
        &self,
        user: UserId,
        old: &[Uuid],
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<u64, StoreError> {
        let (swept, ended) = transact_on(&self.background_pool, async |transaction| {
            let deleted = delete(transaction, self.clock_offset(), user, old, idle_lifetime).await?;
            let ended = end_children(transaction, self.clock_offset(), user, &deleted).await?;
            Ok((count(&deleted), ended))
        })
        .await?;
        if ended > 0 {
            self.notify_appended();
        }
        Ok(swept + ended)
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

/// What the sweep does with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing.
    InUse,
    /// It is to be deleted.
    Old,
    /// It is to be deleted, with the sessions that end with it.
    OldSignIn,
}

/// Sessions to delete, by user.
type Old = BTreeMap<UserId, Vec<Uuid>>;

/// The keys of the first `max` sessions after `after`, in their order.
async fn examine(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    after: Option<SessionKey>,
    max: u32,
    idle_lifetime: Option<TimeDelta>,
) -> Result<Vec<(SessionKey, State)>, Error> {
    // The nil UUID sorts before all others, and no user has it.
    let (user_id, id) = after.map_or((Uuid::nil(), Uuid::nil()), |key| (key.user_id.0, key.id.0));
    let slice = sqlx::query!(
        r#"select user_id, id, handle_hash is not null as "is_sign_in!",
                expires_at <= statement_timestamp() + $1::interval - $5::interval
                or last_used_at <= statement_timestamp() + $1::interval - $5::interval - $6::interval as is_old
         from sessions where (user_id, id) > ($2, $3) order by user_id, id limit $4"#,
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
        let state = match (row.is_old, row.is_sign_in) {
            (Some(true), false) => State::Old,
            (Some(true), true) => State::OldSignIn,
            // Null: it ends at no time.
            (Some(false) | None, _) => State::InUse,
        };
        (key, state)
    });
    Ok(examined.collect())
}

fn count(deleted: &[Uuid]) -> u64 {
    u64::try_from(deleted.len()).unwrap_or(u64::MAX)
}

/// Deletes those of a user's sessions that are still to be deleted and that no transaction has locked. Returns their ids.
async fn delete(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    sessions: &[Uuid],
    idle_lifetime: Option<TimeDelta>,
) -> Result<Vec<Uuid>, Error> {
    let delete = sqlx::query_scalar!(
        "with old as (
             select id from sessions
             where user_id = $2 and id = any($3)
               and (expires_at <= statement_timestamp() + $1::interval - $4::interval
                    or last_used_at <= statement_timestamp() + $1::interval - $4::interval - $5::interval)
             for update skip locked
         )
         delete from sessions s using old where s.user_id = $2 and s.id = old.id
         returning s.id",
        clock_offset,
        user.0,
        sessions,
        interval(REVOCATION_LIFETIME),
        idle_lifetime.map(interval),
    );
    delete.fetch_all(transaction).await
}

/// Finds the last of the `max` oldest expired entries, and deletes it and all before it.
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
