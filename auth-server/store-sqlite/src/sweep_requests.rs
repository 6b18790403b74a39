//! Deletes old codes and pushed requests, slice by slice, so that other verbs can write between two slices.

use auth_store::{CODE_RETENTION, OPENED_REQUEST_LIFETIME, StoreError};
use sqlx::Error;

use crate::SqliteStore;

impl SqliteStore {
    pub(crate) async fn sweep_old_codes(&self, max: u32) -> Result<u64, StoreError> {
        self.writer
            .with_connection(async |connection| {
                let cutoff = self.now().before(CODE_RETENTION);
                let sweep = sqlx::query!(
                    "delete from codes where (user_id, code_hash) in (
                         select user_id, code_hash from codes where expires_at <= ?1 order by expires_at limit ?2
                     )",
                    cutoff,
                    max,
                );
                Ok::<_, Error>(sweep.execute(connection).await?.rows_affected())
            })
            .await
    }

    pub(crate) async fn sweep_old_requests(&self, max: u32) -> Result<u64, StoreError> {
        self.writer
            .with_connection(async |connection| {
                let cutoff = self.now().before(OPENED_REQUEST_LIFETIME);
                let sweep = sqlx::query!(
                    "delete from pushed where uri_hash in (
                         select uri_hash from pushed where created_at <= ?1 order by created_at limit ?2
                     )",
                    cutoff,
                    max,
                );
                Ok::<_, Error>(sweep.execute(connection).await?.rows_affected())
            })
            .await
    }
}
