//! Ends the sessions of a user beyond the maximum.

use auth_domain::{SessionKey, UserId};
use auth_store::{MAX_PRUNED_PER_SIGN_IN, StoreError};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{end_children, end_each};

impl PostgresStore {
    /// Begins no transaction if there is no excess, as after nearly every sign-in. A session that is opened after the
    /// count is counted by its own call.
    pub(crate) async fn end_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        let exist =
            self.pool.with_connection(async |connection| count(connection, opened, keep).await).await?;
        if exist <= i64::from(keep) {
            return Ok(0);
        }
        let ended = self
            .run_detached(move |store| async move {
                store
                    .transact(async |transaction| {
                        let chosen = lock_excess(transaction, opened, keep).await?;
                        end_chosen(transaction, store.clock_offset(), opened.user_id, &chosen).await
                    })
                    .await
            })
            .await?;
        if ended > 0 {
            self.notify_appended();
        }
        Ok(ended)
    }
}

/// A session that this transaction has locked, to end it.
struct Chosen {
    id: Uuid,
    is_sign_in: bool,
}

/// How many sessions the user has, counted up to one more than `keep`.
async fn count(connection: &mut PgConnection, opened: SessionKey, keep: u32) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "exist!" from (select id from sessions where user_id = $1 limit $2) s"#,
        opened.user_id.0,
        i64::from(keep) + 1,
    )
    .fetch_one(connection)
    .await
}

/// Chooses sessions by the statement's snapshot, before it locks any: concurrent calls choose the same ones, and a locked
/// session is skipped, not replaced by the next one. As no call waits for a lock here, their order does not matter.
async fn lock_excess(
    transaction: &mut PgConnection,
    opened: SessionKey,
    keep: u32,
) -> Result<Vec<Chosen>, Error> {
    sqlx::query_as!(
        Chosen,
        r#"with excess as (
               select greatest(count(*) - $3::bigint, 0) as number
               from (select id from sessions where user_id = $1 limit $3::bigint + $4::bigint) s
           ), oldest as (
               select id from sessions
               where user_id = $1 and id <> $2
                 and id is distinct from (select parent_id from sessions where user_id = $1 and id = $2)
               order by last_used_at, id limit (select number from excess)
           )
           select s.id, s.handle_hash is not null as "is_sign_in!" from sessions s join oldest o on o.id = s.id
           where s.user_id = $1
           for update of s skip locked"#,
        opened.user_id.0,
        opened.id.0,
        i64::from(keep),
        i64::from(MAX_PRUNED_PER_SIGN_IN),
    )
    .fetch_all(transaction)
    .await
}

/// Ends these sessions, and those of applications that belong to the sign-ins among them. Returns how many.
async fn end_chosen(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    chosen: &[Chosen],
) -> Result<u64, Error> {
    let all: Vec<_> = chosen.iter().map(|session| session.id).collect();
    let sign_ins: Vec<_> =
        chosen.iter().filter(|session| session.is_sign_in).map(|session| session.id).collect();
    let mut ended = end_each(transaction, clock_offset, user, &all).await?;
    if !sign_ins.is_empty() {
        ended += end_children(transaction, clock_offset, user, &sign_ins).await?;
    }
    Ok(ended)
}
