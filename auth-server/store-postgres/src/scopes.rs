//! Scopes that clients may ask for.

use async_trait::async_trait;
use auth_domain::RegisteredScope;
use auth_store::{RegisteredScopes, StoreError};
use sqlx::Error;

use crate::PostgresStore;

#[async_trait]
impl RegisteredScopes for PostgresStore {
    async fn put_scope(&self, scope: &RegisteredScope) -> Result<(), StoreError> {
        self.pool
            .with_connection(async |connection| {
                let put = sqlx::query!(
                    "insert into scopes (name, description, resource) values ($1, $2, $3)
                     on conflict (name) do update set description = excluded.description, resource = excluded.resource",
                    scope.name,
                    scope.description,
                    scope.resource.as_deref(),
                );
                put.execute(connection).await.map(|_| ())
            })
            .await
    }

    async fn list_scopes(&self) -> Result<Vec<RegisteredScope>, StoreError> {
        self.pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    RegisteredScope,
                    r#"select name, description, resource from scopes order by name collate "C""#
                )
                .fetch_all(connection)
                .await
            })
            .await
    }

    async fn remove_scope(&self, name: &str) -> Result<bool, StoreError> {
        let removed = self
            .pool
            .with_connection_once(async |connection| {
                let remove = sqlx::query!("delete from scopes where name = $1", name);
                Ok::<_, Error>(remove.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(removed > 0)
    }
}
