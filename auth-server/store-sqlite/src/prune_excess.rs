//! Ends the sessions of a user beyond the maximum.

use auth_domain::{SessionKey, UserId};
use auth_store::{MAX_PRUNED_PER_SIGN_IN, StoreError};
use sqlx::SqliteConnection;

use crate::SqliteStore;
use crate::end_sessions::end_each;

impl SqliteStore {
    /// Reads first, because there is hardly ever an excess, and then no writer has to wait.
    pub(crate) async fn end_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        if self
            .readers
            .with_connection(async |connection| excess(connection, opened.user_id, keep).await)
            .await?
            == 0
        {
            return Ok(0);
        }
        let ended = self
            .writer
            .transact(async |transaction| {
                // No other connection writes before the commit, so the reads below stay valid.
                let excess = excess(&mut *transaction, opened.user_id, keep).await?;
                let chosen = sqlx::query_scalar!(
                    "select id from sessions
                 where user_id = ?1 and id <> ?2
                   and id is distinct from (select parent_id from sessions where user_id = ?1 and id = ?2)
                 order by last_used_at, id limit ?3",
                    opened.user_id.0,
                    opened.id.0,
                    excess,
                )
                .fetch_all(&mut *transaction)
                .await?;
                end_each(transaction, self.now(), opened.user_id, chosen).await
            })
            .await?;
        self.notify_appended();
        Ok(ended)
    }
}

/// How many sessions there are beyond `keep`. Counts no more than one verb ends.
async fn excess(connection: &mut SqliteConnection, user: UserId, keep: u32) -> Result<i64, sqlx::Error> {
    let counted = i64::from(keep) + i64::from(MAX_PRUNED_PER_SIGN_IN);
    sqlx::query_scalar!(
        r#"select max(count(*) - ?2, 0) as "excess!: i64"
           from (select 1 from sessions where user_id = ?1 limit ?3)"#,
        user.0,
        keep,
        counted,
    )
    .fetch_one(connection)
    .await
}
