//! Keys of e-mail addresses.

use async_trait::async_trait;
use auth_domain::{EmailKey, StoredEmail, UserId};
use auth_store::{EmailKeys, SetKeyOutcome, StoreError};
use sqlx::{Error, SqliteConnection};
use uuid::Uuid;

use crate::SqliteStore;
use crate::user_rows::StoredEmailRow;

#[async_trait]
impl EmailKeys for SqliteStore {
    async fn email_key_version(&self) -> Result<i64, StoreError> {
        self.readers
            .with_connection(async |connection| {
                sqlx::query_scalar!("select version from email_key_version").fetch_one(connection).await
            })
            .await
    }

    async fn record_email_key_version(&self, version: i64) -> Result<(), StoreError> {
        self.writer
            .with_connection(async |connection| {
                let record =
                    sqlx::query!("update email_key_version set version = ?1 where version < ?1", version);
                record.execute(connection).await.map(|_| ())
            })
            .await
    }

    async fn stored_emails(&self, after: Option<UserId>, limit: u32) -> Result<Vec<StoredEmail>, StoreError> {
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    StoredEmailRow,
                    "select id, email, email_key, created_at from users where id > ?1 order by id limit ?2",
                    after,
                    limit,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(StoredEmail::try_from).collect()
    }

    async fn email_with_key(&self, key: &EmailKey) -> Result<Option<StoredEmail>, StoreError> {
        let key = key.as_str();
        let found = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    StoredEmailRow,
                    "select u.id, u.email, u.email_key, u.created_at
                     from emails e join users u on u.id = e.user_id and u.email_key = e.email_key
                     where e.email_key = ?1",
                    key,
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
        self.writer
            .transact(async |transaction| {
                if key_of(transaction, user).await?.as_deref() != Some(from) {
                    return Ok(SetKeyOutcome::Lost);
                }
                if !claim(transaction, user, to).await? {
                    return Ok(SetKeyOutcome::Taken);
                }
                set_key(transaction, user, to).await?;
                release(transaction, user, from).await?;
                Ok(SetKeyOutcome::Set)
            })
            .await
    }

    async fn swap_email_keys(&self, one: &StoredEmail, other: &StoredEmail) -> Result<bool, StoreError> {
        self.writer.transact_once(async |transaction| swap(transaction, one, other).await).await
    }
}

/// No other connection writes before the commit, so the keys that were read stay valid.
async fn swap(
    transaction: &mut SqliteConnection,
    one: &StoredEmail,
    other: &StoredEmail,
) -> Result<bool, Error> {
    for user in [one, other] {
        if key_of(transaction, user.user_id).await?.as_deref() != Some(user.key.as_str()) {
            return Ok(false);
        }
    }
    for (user, key) in [(one.user_id, other.key.as_str()), (other.user_id, one.key.as_str())] {
        set_key(transaction, user, key).await?;
        let give = sqlx::query!("update emails set user_id = ?2 where email_key = ?1", key, user.0);
        give.execute(&mut *transaction).await?;
    }
    Ok(true)
}

/// The key of a user's address.
pub(crate) async fn key_of(connection: &mut SqliteConnection, user: UserId) -> Result<Option<String>, Error> {
    let key = sqlx::query_scalar!("select email_key from users where id = ?1", user.0);
    key.fetch_optional(connection).await
}

async fn set_key(connection: &mut SqliteConnection, user: UserId, key: &str) -> Result<(), Error> {
    let set = sqlx::query!("update users set email_key = ?2 where id = ?1", user.0, key);
    set.execute(connection).await.map(|_| ())
}

/// Gives a user an address by its key, unless it is taken. Within a transaction that writes the same key to `users`.
pub(crate) async fn claim(connection: &mut SqliteConnection, user: UserId, key: &str) -> Result<bool, Error> {
    let claim = sqlx::query!(
        "insert into emails (email_key, user_id) values (?1, ?2) on conflict (email_key) do nothing",
        key,
        user.0,
    );
    Ok(claim.execute(connection).await?.rows_affected() > 0)
}

/// Frees an address that a user had. Within a transaction that removes the same key from `users`.
pub(crate) async fn release(connection: &mut SqliteConnection, user: UserId, key: &str) -> Result<(), Error> {
    let release = sqlx::query!("delete from emails where email_key = ?1 and user_id = ?2", key, user.0);
    release.execute(connection).await.map(|_| ())
}
