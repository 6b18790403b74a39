//! What users allowed clients.

use async_trait::async_trait;
use auth_domain::{ClientId, Grant, UserId};
use auth_store::{Grants, StoreError};
use goptri::Scope;
use sqlx::{Error, SqliteConnection};
use uuid::Uuid;

use crate::SqliteStore;
use crate::end_sessions::end_each;
use crate::rows::{Micros, corrupt, json, list};

/// A grant.
struct GrantRow {
    user_id: Uuid,
    client_id: String,
    scope: String,
    resources: String,
    granted_at: Micros,
}

#[async_trait]
impl Grants for SqliteStore {
    async fn find_grant(&self, user: UserId, client: &ClientId) -> Result<Option<Grant>, StoreError> {
        let client = client.as_str();
        let found = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    GrantRow,
                    "select user_id, client_id, scope, resources, granted_at from grants
                     where user_id = ?1 and client_id = ?2",
                    user.0,
                    client,
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
        let client = client.as_str();
        self.writer
            .transact(async |transaction| {
                put(transaction, self.now(), (user, client), scope, resources).await
            })
            .await
    }

    async fn list_grants(&self, user: UserId) -> Result<Vec<Grant>, StoreError> {
        let rows = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    GrantRow,
                    "select user_id, client_id, scope, resources, granted_at from grants
                     where user_id = ?1 order by client_id",
                    user.0,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(Grant::try_from).collect()
    }

    async fn withdraw_grant(&self, user: UserId, client: &ClientId) -> Result<u64, StoreError> {
        let client = client.as_str();
        let ended = self
            .writer
            .transact(async |transaction| withdraw(transaction, self.now(), user, client).await)
            .await?;
        self.notify_appended();
        Ok(ended)
    }
}

async fn put(
    transaction: &mut SqliteConnection,
    now: Micros,
    (user, client): (UserId, &str),
    scope: &Scope,
    resources: &[String],
) -> Result<(), Error> {
    let before = sqlx::query!(
        "select scope, resources from grants where user_id = ?1 and client_id = ?2",
        user.0,
        client,
    );
    let (scope, resources) = match before.fetch_optional(&mut *transaction).await? {
        Some(before) => {
            let words = Scope::parse(&before.scope).map_err(|error| Error::Decode(error.into()))?;
            let known =
                list(&before.resources).ok_or_else(|| Error::Decode("resources of a grant".into()))?;
            Grant::united((&words, known), (scope, resources))
        }
        None => (scope.clone(), resources.to_vec()),
    };
    let (scope, resources) = (scope.as_str(), json(resources.iter().map(String::as_str)));
    let put = sqlx::query!(
        "insert into grants (user_id, client_id, scope, resources, granted_at)
         select id, ?3, ?4, ?5, ?1 from users where id = ?2
         on conflict (user_id, client_id) do update
         set scope = excluded.scope, resources = excluded.resources, granted_at = excluded.granted_at",
        now,
        user.0,
        client,
        scope,
        resources,
    );
    put.execute(transaction).await.map(|_| ())
}

async fn withdraw(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    client: &str,
) -> Result<u64, Error> {
    let chosen = sqlx::query_scalar!(
        "select id from sessions where user_id = ?1 and client_id = ?2 order by id",
        user.0,
        client,
    );
    let chosen = chosen.fetch_all(&mut *transaction).await?;
    let ended = end_each(transaction, now, user, chosen).await?;
    let delete = sqlx::query!(
        "delete from codes where user_id = ?1 and client_id = ?2 and spent_for is null",
        user.0,
        client,
    );
    delete.execute(&mut *transaction).await?;
    let delete = sqlx::query!("delete from grants where user_id = ?1 and client_id = ?2", user.0, client);
    delete.execute(transaction).await?;
    Ok(ended)
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("grants", format!("{}/{}", row.user_id, row.client_id), what);
        Ok(Self {
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            resources: list(&row.resources).ok_or_else(|| corrupt("resources"))?,
            granted_at: row.granted_at.time().ok_or_else(|| corrupt("granted_at"))?,
            user_id: UserId(row.user_id),
            client_id: ClientId::new(row.client_id),
        })
    }
}
