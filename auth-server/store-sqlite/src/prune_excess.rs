//! Ending what a person has beyond so many sessions, when they open another.

use auth_domain::{SessionKey, UserId};
use auth_store::{MAX_PRUNED_PER_SIGN_IN, StoreError};
use sqlx::{Connection, SqliteConnection};

use crate::SqliteStore;
use crate::end_sessions::end_each;

impl SqliteStore {
    /// Almost always there is nothing to end, and then nobody who writes is kept waiting.
    pub(crate) async fn prune_excess_sessions(
        &self,
        opened: SessionKey,
        most: u32,
    ) -> Result<u64, StoreError> {
        if self.read(async |connection| surplus(connection, opened.user_id, most).await).await? == 0 {
            return Ok(0);
        }
        self.write(async |connection| {
            // Nobody else writes from here to the commit, so that what is read is what is.
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let surplus = surplus(&mut transaction, opened.user_id, most).await?;
            let doomed = sqlx::query_scalar!(
                "select id from sessions where user_id = ?1 and id <> ?2 order by last_used_at, id limit ?3",
                opened.user_id.0,
                opened.id.0,
                surplus,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let ended = end_each(&mut transaction, self.now(), opened.user_id, doomed).await?;
            transaction.commit().await?;
            self.notify_appended();
            Ok(ended)
        })
        .await
    }
}

/// How many sessions there are beyond `most`, counted no further than one verb ends.
async fn surplus(connection: &mut SqliteConnection, user: UserId, most: u32) -> Result<i64, sqlx::Error> {
    let counted = i64::from(most) + i64::from(MAX_PRUNED_PER_SIGN_IN);
    sqlx::query_scalar!(
        r#"select max(count(*) - ?2, 0) as "surplus!: i64"
           from (select 1 from sessions where user_id = ?1 limit ?3)"#,
        user.0,
        most,
        counted,
    )
    .fetch_one(connection)
    .await
}
