//! Keys of e-mail addresses.

use async_trait::async_trait;
use auth_domain::{EmailKey, StoredEmail, UserId};
use auth_store::{EmailKeys, SetKeyOutcome, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::StoredEmailRow;

#[async_trait]
impl EmailKeys for PostgresStore {
    async fn email_key_version(&self) -> Result<i64, StoreError> {
        // Not from the pool of requests: `/readyz` must not wait for them.
        self.background_pool
            .with_connection(async |connection| {
                sqlx::query_scalar!("select version from email_key_version").fetch_one(connection).await
            })
            .await
    }

    async fn record_email_key_version(&self, version: i64) -> Result<(), StoreError> {
        self.pool
            .with_connection(async |connection| {
                let record =
                    sqlx::query!("update email_key_version set version = $1 where version < $1", version);
                record.execute(connection).await.map(|_| ())
            })
            .await
    }

    async fn stored_emails(&self, after: Option<UserId>, limit: u32) -> Result<Vec<StoredEmail>, StoreError> {
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    StoredEmailRow,
                    "select id, email, email_key, created_at from users where id > $1 order by id limit $2",
                    after,
                    i64::from(limit),
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(StoredEmail::try_from).collect()
    }

    async fn email_with_key(&self, key: &EmailKey) -> Result<Option<StoredEmail>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    StoredEmailRow,
                    "select id, email, email_key, created_at from users where email_key = $1",
                    key.as_str(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(StoredEmail::try_from).transpose()
    }

    async fn set_email_key(
        &self,
        user: UserId,
        from: &EmailKey,
        to: &EmailKey,
    ) -> Result<SetKeyOutcome, StoreError> {
        let (from, to) = (from.as_str(), to.as_str());
        self.pool
            .with_connection(async |connection| match replace(connection, user, from, to).await {
                Ok(true) => Ok(SetKeyOutcome::Set),
                Ok(false) => Ok(SetKeyOutcome::Lost),
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(SetKeyOutcome::Taken),
                Err(error) => Err(error),
            })
            .await
    }

    async fn swap_email_keys(&self, one: &StoredEmail, other: &StoredEmail) -> Result<bool, StoreError> {
        let (one, other) = (one.clone(), other.clone());
        self.run_detached(move |store| {
            let (one, other) = (one.clone(), other.clone());
            async move { store.transact_once(async |transaction| swap(transaction, &one, &other).await).await }
        })
        .await
    }
}

/// In between, the first user has a key that no address has, because keys are unique at every moment.
async fn swap(
    transaction: &mut PgConnection,
    one: &StoredEmail,
    other: &StoredEmail,
) -> Result<bool, sqlx::Error> {
    let free = format!("swapped {}", one.user_id);
    if !replace(transaction, one.user_id, one.key.as_str(), &free).await? {
        return Ok(false);
    }
    let swapped = replace(transaction, other.user_id, other.key.as_str(), one.key.as_str()).await?;
    let key = if swapped { &other.key } else { &one.key };
    replace(transaction, one.user_id, &free, key.as_str()).await?;
    Ok(swapped)
}

async fn replace(
    connection: &mut PgConnection,
    user: UserId,
    from: &str,
    to: &str,
) -> Result<bool, sqlx::Error> {
    let set =
        sqlx::query!("update users set email_key = $3 where id = $1 and email_key = $2", user.0, from, to);
    Ok(set.execute(connection).await?.rows_affected() > 0)
}
