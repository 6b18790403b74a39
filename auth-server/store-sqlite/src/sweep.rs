//! Deletes old sessions, slice by slice, so that other verbs can write between two slices.

use auth_domain::{SessionId, SessionKey, UserId};
use auth_store::{REVOCATION_LIFETIME, SessionSweep, StoreError};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::SqliteStore;
use crate::end_sessions::end_children;
use crate::rows::micros;

impl SqliteStore {
    pub(crate) async fn sweep_slice(
        &self,
        after: Option<SessionKey>,
        max: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError> {
        // The nil UUID sorts before all others, and no user has it.
        let (user_id, id) = after.map_or((Uuid::nil(), Uuid::nil()), |key| (key.user_id.0, key.id.0));
        let idle_lifetime = idle_lifetime.map(micros);
        let (sweep, ended) = self
            .writer
            .transact(async |transaction| {
                let slice = sqlx::query!(
                    r#"select user_id as "user_id: Uuid", id as "id: Uuid" from sessions
                   where (user_id, id) > (?1, ?2) order by user_id, id limit ?3"#,
                    user_id,
                    id,
                    max,
                )
                .fetch_all(&mut *transaction)
                .await?;
                let Some(last) = slice.last() else { return Ok((SessionSweep { swept: 0, last: None }, 0)) };
                let cutoff = self.now().before(REVOCATION_LIFETIME);
                let deleted = sqlx::query!(
                    r#"delete from sessions
                 where (user_id, id) > (?1, ?2) and (user_id, id) <= (?3, ?4)
                   and (expires_at <= ?5 or last_used_at + ?6 <= ?5)
                 returning user_id as "user_id: Uuid", id as "id: Uuid", handle_hash is not null as "is_sign_in!: bool""#,
                    user_id,
                    id,
                    last.user_id,
                    last.id,
                    cutoff,
                    idle_lifetime,
                );
                let deleted = deleted.fetch_all(&mut *transaction).await?;
                let mut ended = 0;
                for sign_in in deleted.iter().filter(|session| session.is_sign_in) {
                    let user = UserId(sign_in.user_id);
                    ended += end_children(transaction, self.now(), user, sign_in.id).await?;
                }
                let swept = u64::try_from(deleted.len()).unwrap_or(u64::MAX) + ended;
                let last = SessionKey { user_id: UserId(last.user_id), id: SessionId(last.id) };
                let full = u32::try_from(slice.len()).is_ok_and(|seen| seen == max);
                Ok((SessionSweep { swept, last: full.then_some(last) }, ended))
            })
            .await?;
        if ended > 0 {
            self.notify_appended();
        }
        Ok(sweep)
    }
}
