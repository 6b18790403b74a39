//! The people who can sign in.

use async_trait::async_trait;
use auth_domain::store::{Adding, StoreError, Upgrading, Users};
use auth_domain::{Credentials, EmailKey, NewUser, PasswordHash, User, UserId};
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::{CredentialsRow, UserRow};

#[async_trait]
impl Users for PostgresStore {
    async fn add_user(&self, user: &NewUser) -> Result<Adding, StoreError> {
        let key = user.email.key();
        let roles: Vec<String> = user.roles.iter().map(|role| role.as_str().to_owned()).collect();
        let added = self
            .ask(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                     values ($2, $3, $4, $5, $6, $7, statement_timestamp() + $1::interval)
                     on conflict (email_key) do nothing
                     returning id, email, email_verified, roles, created_at, disabled_at",
                    self.shift(),
                    user.id.0,
                    user.email.as_str(),
                    key.as_str(),
                    user.email_verified,
                    user.password_hash.as_str(),
                    &roles,
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        match added {
            Some(row) => Ok(Adding::Added(row.try_into()?)),
            None => Ok(Adding::EmailTaken),
        }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let found = self
            .ask(async |connection| {
                sqlx::query_as!(
                    CredentialsRow,
                    "select id, password_hash from users where email_key = $1",
                    email.as_str()
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
            .ask(async |connection| {
                let changed = sqlx::query!(
                    "update users set password_hash = $1 where id = $2 and password_hash = $3",
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
            .ask(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where id > $1 order by id limit $2",
                    after,
                    i64::from(limit),
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(User::try_from).collect()
    }
}
