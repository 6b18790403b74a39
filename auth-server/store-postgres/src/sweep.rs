//! Deletes old sessions, slice by slice, on a connection that requests do not use.

use auth_domain::{SessionId, SessionKey, UserId};
use auth_store::{REVOCATION_LIFETIME, SessionSweep, StoreError};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::interval;

impl PostgresStore {
    pub(crate) async fn sweep_slice(
        &self,
        after: Option<SessionKey>,
        max: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError> {
        // The nil UUID sorts before all others, and no user has it.
        let (user_id, id) = after.map_or((Uuid::nil(), Uuid::nil()), |key| (key.user_id.0, key.id.0));
        let slice = self
            .background_pool.with_connection(async |connection| {
                sqlx::query!(
                    r#"with slice as (
                           select user_id, id from sessions where (user_id, id) > ($2, $3) order by user_id, id limit $4
                       ), last as (
                           select user_id, id from slice order by user_id desc, id desc limit 1
                       ), chosen as (
                           select s.user_id, s.id
                           from sessions s, last, (select statement_timestamp() + $1::interval - $5::interval as cutoff) c
                           where (s.user_id, s.id) > ($2, $3) and (s.user_id, s.id) <= (last.user_id, last.id)
                             and (s.expires_at <= c.cutoff or s.last_used_at + $6::interval <= c.cutoff)
                           for update of s skip locked
                       ), deleted as (
                           delete from sessions s using chosen d where s.user_id = d.user_id and s.id = d.id
                           returning s.id
                       )
                       select last.user_id, last.id, (select count(*) from slice) as "seen!",
                              (select count(*) from deleted) as "swept!"
                       from last"#,
                    self.clock_offset(),
                    user_id,
                    id,
                    i64::from(max),
                    interval(REVOCATION_LIFETIME),
                    idle_lifetime.map(interval),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        let Some(slice) = slice else { return Ok(SessionSweep { swept: 0, last: None }) };
        let last = SessionKey { user_id: UserId(slice.user_id), id: SessionId(slice.id) };
        Ok(SessionSweep {
            swept: u64::try_from(slice.swept).unwrap_or_default(),
            last: (slice.seen == i64::from(max)).then_some(last),
        })
    }
}
