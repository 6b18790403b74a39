//! The revocations and the feed that is read from them.

use async_trait::async_trait;
use auth_domain::UserId;
use auth_store::{Cursor, RevocationPage, Revocations, StoreError};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::append;
use crate::read_feed::Wanted;

#[async_trait]
impl Revocations for PostgresStore {
    async fn revoke_token(&self, user: Option<UserId>, jti: &str) -> Result<(), StoreError> {
        let user = user.map_or(Uuid::nil(), |user| user.0);
        self.pool
            .with_connection(async |connection| {
                append(connection, self.clock_offset(), user, "token", jti).await
            })
            .await?;
        self.notify_appended();
        Ok(())
    }

    async fn read_revocations(&self, after: Option<&Cursor>, max: u32) -> Result<RevocationPage, StoreError> {
        self.read_feed(&self.pool, Wanted::Page(after, max)).await
    }

    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<RevocationPage, StoreError> {
        self.read_feed(&self.feed_pool, Wanted::PageOfSomeNodes(after, max)).await
    }

    async fn newest_cursor(&self) -> Result<Cursor, StoreError> {
        Ok(self.read_feed(&self.feed_pool, Wanted::Newest).await?.next)
    }

    async fn wait_for_append(&self) {
        self.appended.notified().await;
    }

    async fn sweep_revocations(&self, max: u32) -> Result<u64, StoreError> {
        self.sweep_expired(max).await
    }
}
