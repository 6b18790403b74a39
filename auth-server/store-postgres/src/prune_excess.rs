//! Ends the sessions of a user beyond the maximum.

use auth_domain::SessionKey;
use auth_store::{MAX_PRUNED_PER_SIGN_IN, REVOCATION_LIFETIME, StoreError};

use crate::PostgresStore;
use crate::rows::interval;

impl PostgresStore {
    /// Chooses sessions by the statement's snapshot, before it locks any: concurrent calls choose the same ones, and a
    /// locked session is skipped, not replaced by the next one. As no call waits for a lock, their order does not matter.
    pub(crate) async fn end_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        let ended = self
            .pool.with_connection(async |connection| {
                sqlx::query_scalar!(
                    r#"with excess as (
                           select greatest(count(*) - $4::bigint, 0) as number
                           from (select from sessions where user_id = $2 limit $4::bigint + $5::bigint) s
                       ), oldest as (
                           select user_id, id from sessions where user_id = $2 and id <> $3
                           order by last_used_at, id limit (select number from excess)
                       ), chosen as (
                           select s.user_id, s.id from sessions s join oldest o on s.user_id = o.user_id and s.id = o.id
                           for update of s skip locked
                       ), deleted as (
                           delete from sessions s using chosen d where s.user_id = d.user_id and s.id = d.id
                           returning s.id
                       ), appended as (
                           insert into revocations (kind, subject, created_at, expires_at)
                           select 'session', deleted.id::text, c.now, c.now + $6::interval
                           from deleted, (select statement_timestamp() + $1::interval as now) c
                           order by deleted.id
                           on conflict (kind, subject) do nothing
                       )
                       select count(*) as "ended!" from deleted"#,
                    self.clock_offset(),
                    opened.user_id.0,
                    opened.id.0,
                    i64::from(keep),
                    i64::from(MAX_PRUNED_PER_SIGN_IN),
                    interval(REVOCATION_LIFETIME),
                )
                .fetch_one(connection)
                .await
            })
            .await?;
        if ended > 0 {
            self.notify_appended();
        }
        Ok(u64::try_from(ended).unwrap_or_default())
    }
}
