//! Removes a client: disables it, deletes what belongs to it, and then itself.

use auth_domain::{ClientId, UserId};
use auth_store::StoreError;
use sqlx::{Error, SqliteConnection};
use uuid::Uuid;

use crate::SqliteStore;
use crate::end_sessions::{append_client, end_one};
use crate::rows::Micros;

impl SqliteStore {
    /// One transaction: no other connection opens a session for the client meanwhile. Returns how many clients were
    /// disabled.
    pub(crate) async fn remove(&self, id: &ClientId) -> Result<u64, StoreError> {
        let id = id.as_str();
        let disabled = self
            .writer
            .transact_once(async |transaction| {
                let now = self.now();
                let disable = sqlx::query!(
                    "update clients set disabled_at = coalesce(disabled_at, ?1) where id = ?2",
                    now,
                    id
                );
                let disabled = disable.execute(&mut *transaction).await?.rows_affected();
                if disabled > 0 {
                    append_client(transaction, now, id).await?;
                }
                Ok(disabled)
            })
            .await?;
        self.notify_appended();
        Ok(disabled)
    }

    pub(crate) async fn clear_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError> {
        let id = id.as_str();
        let deleted = self.writer.transact(async |transaction| {
            let sessions = delete_sessions(transaction, self.now(), id, max).await?;
            let deleted = sessions + delete_others(transaction, id, max).await?;
            if deleted == 0 {
                let delete =
                    sqlx::query!("delete from clients where id = ?1 and disabled_at is not null", id);
                delete.execute(transaction).await?;
            }
            Ok(deleted)
        });
        let deleted = deleted.await?;
        self.notify_appended();
        Ok(deleted)
    }
}

/// A session that was refreshed after the client was removed, by a request that had found the client before, gets an
/// entry of its own: it has an access token that the entry of the client does not revoke.
async fn delete_sessions(
    transaction: &mut SqliteConnection,
    now: Micros,
    client: &str,
    max: u32,
) -> Result<u64, Error> {
    let removed_at = sqlx::query_scalar!(
        r#"select created_at as "created_at: Micros" from revocations
           where user_id = zeroblob(16) and kind = 'client' and subject = ?1"#,
        client,
    );
    let removed_at = removed_at.fetch_optional(&mut *transaction).await?;
    let chosen = sqlx::query!(
        r#"select user_id as "user_id: Uuid", id as "id: Uuid", last_used_at from sessions
           where client_id = ?1 limit ?2"#,
        client,
        max,
    );
    let mut deleted = 0;
    for session in chosen.fetch_all(&mut *transaction).await? {
        if removed_at.is_some_and(|removed_at| session.last_used_at <= removed_at) {
            let delete = sqlx::query!(
                "delete from sessions where user_id = ?1 and id = ?2",
                session.user_id,
                session.id
            );
            deleted += delete.execute(&mut *transaction).await?.rows_affected();
        } else {
            deleted += end_one(transaction, now, UserId(session.user_id), session.id).await?;
        }
    }
    Ok(deleted)
}

async fn delete_others(transaction: &mut SqliteConnection, client: &str, max: u32) -> Result<u64, Error> {
    let codes = sqlx::query!(
        "delete from codes where (user_id, code_hash) in (
             select user_id, code_hash from codes where client_id = ?1 limit ?2
         )",
        client,
        max,
    );
    let deleted = codes.execute(&mut *transaction).await?.rows_affected();
    let grants = sqlx::query!(
        "delete from grants where client_id = ?1 and user_id in (
             select user_id from grants where client_id = ?1 limit ?2
         )",
        client,
        max,
    );
    Ok(deleted + grants.execute(transaction).await?.rows_affected())
}
