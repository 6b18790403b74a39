//! Pushed authorization requests.

use async_trait::async_trait;
use auth_domain::{ClientId, Digest, PUSHED_LIFETIME, PushedRequest, RequestUri};
use auth_store::{OPENED_REQUEST_LIFETIME, PushedRequests, StoreError};
use sqlx::Error;

use crate::SqliteStore;

#[async_trait]
impl PushedRequests for SqliteStore {
    async fn push_request(&self, request: &PushedRequest) -> Result<(), StoreError> {
        let (hash, client_id) = (request.uri_hash.as_bytes().as_slice(), request.client_id.as_str());
        self.writer
            .with_connection(async |connection| {
                let now = self.now();
                let push = sqlx::query!(
                    "insert into pushed (uri_hash, client_id, request, created_at) values (?2, ?3, ?4, ?1)
                     on conflict (uri_hash) do nothing",
                    now,
                    hash,
                    client_id,
                    request.request,
                );
                push.execute(connection).await.map(|_| ())
            })
            .await
    }

    async fn find_pushed_request(
        &self,
        uri_hash: &Digest<RequestUri>,
        opened: bool,
    ) -> Result<Option<PushedRequest>, StoreError> {
        let hash = uri_hash.as_bytes().as_slice();
        let lifetime = if opened { OPENED_REQUEST_LIFETIME } else { PUSHED_LIFETIME };
        let found = self
            .readers
            .with_connection(async |connection| {
                let cutoff = self.now().before(lifetime);
                sqlx::query!(
                    "select client_id, request from pushed where uri_hash = ?2 and created_at > ?1",
                    cutoff,
                    hash,
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        Ok(found.map(|row| PushedRequest {
            uri_hash: uri_hash.clone(),
            client_id: ClientId::new(row.client_id),
            request: row.request,
        }))
    }

    async fn spend_pushed_request(&self, uri_hash: &Digest<RequestUri>) -> Result<bool, StoreError> {
        let hash = uri_hash.as_bytes().as_slice();
        let spent = self
            .writer
            .with_connection_once(async |connection| {
                let spend = sqlx::query!("delete from pushed where uri_hash = ?1", hash);
                Ok::<_, Error>(spend.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(spent > 0)
    }

    async fn sweep_pushed_requests(&self, max: u32) -> Result<u64, StoreError> {
        self.sweep_old_requests(max).await
    }
}
