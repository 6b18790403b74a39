//! Ending what a person has beyond so many sessions, when they open another.

use auth_domain::SessionKey;
use auth_store::{MAX_PRUNED_PER_SIGN_IN, REVOCATION_LIFETIME, StoreError};

use crate::PostgresStore;
use crate::rows::interval;

impl PostgresStore {
    /// Who is doomed follows from what the statement saw, before anything is locked: several at a time doom the same
    /// ones, and what another has locked is skipped and not replaced by the next. As nobody waits for a session's
    /// lock, the order does not matter.
    pub(crate) async fn prune_excess_sessions(
        &self,
        opened: SessionKey,
        most: u32,
    ) -> Result<u64, StoreError> {
        let ended = self
            .ask(async |connection| {
                sqlx::query_scalar!(
                    r#"with surplus as (
                           select greatest(count(*) - $4::bigint, 0) as number
                           from (select from sessions where user_id = $2 limit $4::bigint + $5::bigint) s
                       ), oldest as (
                           select user_id, id from sessions where user_id = $2 and id <> $3
                           order by last_used_at, id limit (select number from surplus)
                       ), doomed as (
                           select s.user_id, s.id from sessions s join oldest o on s.user_id = o.user_id and s.id = o.id
                           for update of s skip locked
                       ), gone as (
                           delete from sessions s using doomed d where s.user_id = d.user_id and s.id = d.id
                           returning s.id
                       ), appended as (
                           insert into revocations (kind, subject, created_at, expires_at)
                           select 'session', gone.id::text, c.now, c.now + $6::interval
                           from gone, (select statement_timestamp() + $1::interval as now) c
                           order by gone.id
                           on conflict (kind, subject) do nothing
                       )
                       select count(*) as "ended!" from gone"#,
                    self.clock_offset(),
                    opened.user_id.0,
                    opened.id.0,
                    i64::from(most),
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
