//! Scopes that clients may ask for.

use async_trait::async_trait;
use auth_domain::RegisteredScope;
use auth_store::{RegisteredScopes, StoreError};
use sqlx::Error;

use crate::SqliteStore;

#[async_trait]
impl RegisteredScopes for SqliteStore {
    async fn put_scope(&self, scope: &RegisteredScope) -> Result<(), StoreError> {
        self.writer
            .with_connection(async |connection| {
                let put = sqlx::query!(
                    "insert into scopes (name, description, resource) values (?1, ?2, ?3)
                     on conflict (name) do update set description = excluded.description, resource = excluded.resource",
                    scope.name,
                    scope.description,
                    scope.resource,
                );
                put.execute(connection).await.map(|_| ())
            })
            .await
    }

    async fn list_scopes(&self) -> Result<Vec<RegisteredScope>, StoreError> {
        self.readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    RegisteredScope,
                    "select name, description, resource from scopes order by name"
                )
                .fetch_all(connection)
                .await
            })
            .await
    }

    async fn remove_scope(&self, name: &str) -> Result<bool, StoreError> {
        let removed = self
            .writer
            .with_connection_once(async |connection| {
                let remove = sqlx::query!("delete from scopes where name = ?1", name);
                Ok::<_, Error>(remove.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(removed > 0)
    }
}
