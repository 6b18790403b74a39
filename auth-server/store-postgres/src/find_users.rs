//! Look-ups of users. An address is looked up in `emails` first, which may be on another server than the user.

use auth_domain::{Credentials, EmailKey, User, UserId, UserIdOrEmail};
use auth_store::StoreError;
use uuid::Uuid;

use crate::PostgresStore;
use crate::email_keys::holder_of;
use crate::user_rows::{CredentialsRow, UserRow};

impl PostgresStore {
    pub(crate) async fn find_credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                let Some(user) = holder_of(connection, email.as_str()).await? else { return Ok(None) };
                sqlx::query_as!(
                    CredentialsRow,
                    "select id, password_hash from users where id = $1 and email_key = $2",
                    user,
                    email.as_str(),
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
            .pool
            .with_connection(async |connection| {
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

    pub(crate) async fn users_with(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let after = after.map_or(Uuid::nil(), |user| user.0);
        let rows = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where strpos(email_key, $1) > 0 and id > $2 order by id limit $3",
                    text,
                    after,
                    i64::from(limit),
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(User::try_from).collect()
    }

    pub(crate) async fn user_named(&self, name: &UserIdOrEmail) -> Result<Option<User>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                let (id, key) = match name {
                    UserIdOrEmail::Id(id) => (id.0, None),
                    UserIdOrEmail::Email(key) => match holder_of(connection, key.as_str()).await? {
                        Some(id) => (id, Some(key.as_str())),
                        None => return Ok(None),
                    },
                };
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where id = $1 and ($2::text is null or email_key = $2)",
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
