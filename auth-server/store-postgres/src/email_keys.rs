//! Keys of e-mail addresses.

use async_trait::async_trait;
use auth_domain::{EmailKey, StoredEmail, UserId};
use auth_store::{EmailKeys, SetKeyOutcome, StoreError};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::user_rows::StoredEmailRow;

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
                let Some(user) = holder_of(connection, key.as_str()).await? else { return Ok(None) };
                sqlx::query_as!(
                    StoredEmailRow,
                    "select id, email, email_key, created_at from users where id = $1 and email_key = $2",
                    user,
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
        let (from, to) = (from.clone(), to.clone());
        self.run_detached(move |store| {
            let (from, to) = (from.clone(), to.clone());
            async move {
                store
                    .transact(async |transaction| {
                        replace(transaction, user, from.as_str(), to.as_str()).await
                    })
                    .await
            }
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

async fn replace(
    transaction: &mut PgConnection,
    user: UserId,
    from: &str,
    to: &str,
) -> Result<SetKeyOutcome, Error> {
    if lock_key_of(transaction, user).await?.as_deref() != Some(from) {
        return Ok(SetKeyOutcome::Lost);
    }
    if !claim(transaction, user, to).await? {
        return Ok(SetKeyOutcome::Taken);
    }
    set_key(transaction, user, to).await?;
    release(transaction, user, from).await?;
    Ok(SetKeyOutcome::Set)
}

async fn swap(transaction: &mut PgConnection, one: &StoredEmail, other: &StoredEmail) -> Result<bool, Error> {
    let (first, last) = if one.user_id < other.user_id { (one, other) } else { (other, one) };
    for user in [first, last] {
        if lock_key_of(transaction, user.user_id).await?.as_deref() != Some(user.key.as_str()) {
            return Ok(false);
        }
    }
    for (user, key) in [(first.user_id, last.key.as_str()), (last.user_id, first.key.as_str())] {
        set_key(transaction, user, key).await?;
        let give = sqlx::query!("update emails set user_id = $2 where email_key = $1", key, user.0);
        give.execute(&mut *transaction).await?;
    }
    Ok(true)
}

/// Locks a user against other changes of the address. Returns the key of the address, or `None` if there is no such user.
pub(crate) async fn lock_key_of(
    transaction: &mut PgConnection,
    user: UserId,
) -> Result<Option<String>, Error> {
    let key = sqlx::query_scalar!("select email_key from users where id = $1 for update", user.0);
    key.fetch_optional(transaction).await
}

async fn set_key(transaction: &mut PgConnection, user: UserId, key: &str) -> Result<(), Error> {
    let set = sqlx::query!("update users set email_key = $2 where id = $1", user.0, key);
    set.execute(transaction).await.map(|_| ())
}

/// The id in `emails` for this key. The user may have changed the address since, so the caller also compares
/// `users.email_key`.
pub(crate) async fn holder_of(connection: &mut PgConnection, key: &str) -> Result<Option<Uuid>, Error> {
    let holder = sqlx::query_scalar!("select user_id from emails where email_key = $1", key);
    holder.fetch_optional(connection).await
}

/// Gives a user an address by its key, unless it is taken. Waits for a transaction that claims or frees it. Within a
/// transaction that writes the same key to `users`.
pub(crate) async fn claim(transaction: &mut PgConnection, user: UserId, key: &str) -> Result<bool, Error> {
    let claim = sqlx::query!(
        "insert into emails (email_key, user_id) values ($1, $2) on conflict (email_key) do nothing",
        key,
        user.0,
    );
    Ok(claim.execute(transaction).await?.rows_affected() > 0)
}

/// Frees an address that a user had. Within a transaction that removes the same key from `users`.
///
/// The commit that claimed the address may appear later on the node of the address than on that of the user. Then the
/// first deletion finds no row, and the address would stay taken. Claiming it again waits for that commit.
pub(crate) async fn release(transaction: &mut PgConnection, user: UserId, key: &str) -> Result<(), Error> {
    if !delete_key(transaction, user, key).await? {
        claim(transaction, user, key).await?;
        delete_key(transaction, user, key).await?;
    }
    Ok(())
}

async fn delete_key(transaction: &mut PgConnection, user: UserId, key: &str) -> Result<bool, Error> {
    let delete = sqlx::query!("delete from emails where email_key = $1 and user_id = $2", key, user.0);
    Ok(delete.execute(transaction).await?.rows_affected() > 0)
}
