//! Look-ups of users.

use auth_domain::{Credentials, EmailKey, User, UserId, UserIdOrEmail};
use auth_store::StoreError;
use uuid::Uuid;

use crate::SqliteStore;
use crate::user_rows::{CredentialsRow, UserRow};

impl SqliteStore {
    pub(crate) async fn find_credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let key = email.as_str();
        let found = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    CredentialsRow,
                    "select u.id, u.password_hash
                     from emails e join users u on u.id = e.user_id and u.email_key = e.email_key
                     where e.email_key = ?1",
                    key
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        Ok(found.map(Credentials::from))
    }

    pub(crate) async fn users_after(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        // The nil UUID sorts before all others, and no user has it.
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .readers
            .with_connection(async |connection| {
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

    pub(crate) async fn users_with(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where instr(email_key, ?1) > 0 and id > ?2 order by id limit ?3",
                    text,
                    after,
                    limit,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(User::try_from).collect()
    }

    pub(crate) async fn user_named(&self, name: &UserIdOrEmail) -> Result<Option<User>, StoreError> {
        let (id, key) = match name {
            UserIdOrEmail::Id(id) => (Some(id.0), None),
            UserIdOrEmail::Email(key) => (None, Some(key.as_str())),
        };
        let found = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users
                     where id = coalesce(?1, (select e.user_id from emails e where e.email_key = ?2))
                       and email_key = coalesce(?2, email_key)",
                    id,
                    key,
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(User::try_from).transpose()
    }
}
