//! The people who can sign in.

use async_trait::async_trait;
use auth_domain::store::{Adding, StoreError, Upgrading, Users};
use auth_domain::{Credentials, EmailKey, NewUser, PasswordHash, Role, User, UserId};
use uuid::Uuid;

use crate::SqliteStore;
use crate::rows::{CredentialsRow, UserRow, json};

#[async_trait]
impl Users for SqliteStore {
    async fn add_user(&self, user: &NewUser) -> Result<Adding, StoreError> {
        let (email, key, hash) = (user.email.as_str(), user.email.key(), user.password_hash.as_str());
        let key = key.as_str();
        let roles = json(user.roles.iter().map(Role::as_str));
        let mut added = self
            .write(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    UserRow,
                    "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                     values (?2, ?3, ?4, ?5, ?6, ?7, ?1)
                     on conflict (email_key) do nothing
                     returning id, email, email_verified, roles, created_at, disabled_at",
                    now,
                    user.id.0,
                    email,
                    key,
                    user.email_verified,
                    hash,
                    roles,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        match added.pop() {
            Some(row) => Ok(Adding::Added(row.try_into()?)),
            None => Ok(Adding::EmailTaken),
        }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let key = email.as_str();
        let found = self
            .read(async |connection| {
                sqlx::query_as!(
                    CredentialsRow,
                    "select id, password_hash from users where email_key = ?1",
                    key
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        Ok(found.map(Credentials::from))
    }

    async fn upgrade_hash(
        &self,
        user: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<Upgrading, StoreError> {
        let (from, to) = (from.as_str(), to.as_str());
        let changed = self
            .write(async |connection| {
                let changed = sqlx::query!(
                    "update users set password_hash = ?1 where id = ?2 and password_hash = ?3",
                    to,
                    user.0,
                    from,
                );
                Ok(changed.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(if changed == 0 { Upgrading::Lost } else { Upgrading::Upgraded })
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        // The nil UUID is before all others and is nobody's.
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .read(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where id > ?1 order by id limit ?2",
                    after,
                    limit,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(User::try_from).collect()
    }
}
