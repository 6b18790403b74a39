//! What users allowed clients.

use async_trait::async_trait;
use auth_domain::{ClientId, Grant, UserId};
use auth_store::{Grants, StoreError};
use chrono::{DateTime, Utc};
use goptri::Scope;
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{end_each, lock_user};
use crate::rows::corrupt;

/// A grant.
struct GrantRow {
    user_id: Uuid,
    client_id: String,
    scope: String,
    resources: Vec<String>,
    granted_at: DateTime<Utc>,
}

#[async_trait]
impl Grants for PostgresStore {
    async fn find_grant(&self, user: UserId, client: &ClientId) -> Result<Option<Grant>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    GrantRow,
                    "select user_id, client_id, scope, resources, granted_at from grants
                     where user_id = $1 and client_id = $2",
                    user.0,
                    client.as_str(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(Grant::try_from).transpose()
    }

    async fn put_grant(
        &self,
        user: UserId,
        client: &ClientId,
        scope: &Scope,
        resources: &[String],
    ) -> Result<(), StoreError> {
        let (client, scope, resources) = (client.clone(), scope.clone(), resources.to_owned());
        self.run_detached(move |store| {
            let (client, scope, resources) = (client.clone(), scope.clone(), resources.clone());
            async move {
                store
                    .transact(async |transaction| {
                        put(transaction, store.clock_offset(), (user, &client), &scope, &resources).await
                    })
                    .await
            }
        })
        .await
    }

    async fn list_grants(&self, user: UserId) -> Result<Vec<Grant>, StoreError> {
        let rows = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    GrantRow,
                    r#"select user_id, client_id, scope, resources, granted_at from grants
                       where user_id = $1 order by client_id collate "C""#,
                    user.0,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(Grant::try_from).collect()
    }

    async fn withdraw_grant(&self, user: UserId, client: &ClientId) -> Result<u64, StoreError> {
        let client = client.clone();
        let ended = self
            .run_detached(move |store| {
                let client = client.clone();
                async move {
                    store
                        .transact(async |transaction| {
                            withdraw(transaction, store.clock_offset(), user, client.as_str()).await
                        })
                        .await
                }
            })
            .await?;
        self.notify_appended();
        Ok(ended)
    }
}

/// The lock holds off the deletion of the user, which deletes the grants, and other changes of the same grant.
async fn put(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    (user, client): (UserId, &ClientId),
    scope: &Scope,
    resources: &[String],
) -> Result<(), Error> {
    if !lock_user(transaction, user).await? {
        return Ok(());
    }
    let before = sqlx::query!(
        "select scope, resources from grants where user_id = $1 and client_id = $2",
        user.0,
        client.as_str(),
    );
    let (scope, resources) = match before.fetch_optional(&mut *transaction).await? {
        Some(before) => {
            let words = Scope::parse(&before.scope).map_err(|error| Error::Decode(error.into()))?;
            Grant::united((&words, before.resources), (scope, resources))
        }
        None => (scope.clone(), resources.to_vec()),
    };
    let put = sqlx::query!(
        "insert into grants (user_id, client_id, scope, resources, granted_at)
         values ($2, $3, $4, $5, statement_timestamp() + $1::interval)
         on conflict (user_id, client_id) do update
         set scope = excluded.scope, resources = excluded.resources, granted_at = excluded.granted_at",
        clock_offset,
        user.0,
        client.as_str(),
        scope.as_str(),
        &resources,
    );
    put.execute(transaction).await.map(|_| ())
}

/// The lock waits for codes that are being redeemed. Locks sessions in the order of their keys.
async fn withdraw(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    client: &str,
) -> Result<u64, Error> {
    lock_user(transaction, user).await?;
    let locked = sqlx::query_scalar!(
        "select id from sessions where user_id = $1 and client_id = $2 order by id for update",
        user.0,
        client,
    );
    let locked = locked.fetch_all(&mut *transaction).await?;
    let ended = end_each(transaction, clock_offset, user, &locked).await?;
    let delete = sqlx::query!(
        "delete from codes where user_id = $1 and client_id = $2 and spent_for is null",
        user.0,
        client,
    );
    delete.execute(&mut *transaction).await?;
    let delete = sqlx::query!("delete from grants where user_id = $1 and client_id = $2", user.0, client);
    delete.execute(transaction).await?;
    Ok(ended)
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("grants", format!("{}/{}", row.user_id, row.client_id), what);
        Ok(Self {
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            user_id: UserId(row.user_id),
            client_id: ClientId::new(row.client_id),
            resources: row.resources,
            granted_at: row.granted_at,
        })
    }
}
