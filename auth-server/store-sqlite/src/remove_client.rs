//! Removes a client: first itself, then what belongs to it.

use auth_domain::ClientId;
use auth_store::StoreError;

use crate::SqliteStore;
use crate::end_sessions::append_client;

impl SqliteStore {
    /// One transaction: no other connection opens a session for the client meanwhile. Returns how many clients were
    /// removed.
    pub(crate) async fn remove(&self, id: &ClientId) -> Result<u64, StoreError> {
        let id = id.as_str();
        let removed = self
            .writer
            .transact_once(async |transaction| {
                let delete = sqlx::query!("delete from clients where id = ?1", id);
                let removed = delete.execute(&mut *transaction).await?.rows_affected();
                if removed > 0 {
                    append_client(transaction, self.now(), id).await?;
                }
                Ok(removed)
            })
            .await?;
        self.notify_appended();
        Ok(removed)
    }

    pub(crate) async fn clear_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError> {
        let id = id.as_str();
        self.writer
            .transact(async |transaction| {
                let codes = sqlx::query!(
                    "delete from codes where (user_id, code_hash) in (
                         select user_id, code_hash from codes where client_id = ?1 limit ?2
                     )",
                    id,
                    max,
                );
                let mut deleted = codes.execute(&mut *transaction).await?.rows_affected();
                let grants = sqlx::query!(
                    "delete from grants where client_id = ?1 and user_id in (
                         select user_id from grants where client_id = ?1 limit ?2
                     )",
                    id,
                    max,
                );
                deleted += grants.execute(&mut *transaction).await?.rows_affected();
                let sessions = sqlx::query!(
                    "delete from sessions where (user_id, id) in (
                         select user_id, id from sessions where client_id = ?1 limit ?2
                     )",
                    id,
                    max,
                );
                Ok(deleted + sessions.execute(transaction).await?.rows_affected())
            })
            .await
    }
}
