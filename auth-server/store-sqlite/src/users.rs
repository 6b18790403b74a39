//! Users.

use async_trait::async_trait;
use auth_domain::{
    Credentials, Email, EmailKey, NewPassword, NewUser, PasswordHash, PasswordSetter, Role, User, UserId,
    UserName,
};
use auth_store::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, StoreError, UpgradeOutcome, Users};

use uuid::Uuid;

use crate::SqliteStore;
use crate::email_keys::{claim, key_of, release};
use crate::end_sessions::end_all;
use crate::rows::{CredentialsRow, UserRow, json};

#[async_trait]
impl Users for SqliteStore {
    async fn add_user(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError> {
        let (email, key, hash) = (user.email.as_str(), user.email.key(), user.password_hash.as_str());
        let key = key.as_str();
        let roles = json(user.roles.iter().map(Role::as_str));
        let mut added = self
            .writer
            .transact_once(async |transaction| {
                if !claim(transaction, user.id, key).await? {
                    return Ok(Vec::new());
                }
                let now = self.now();
                sqlx::query_as!(
                    UserRow,
                    "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                     values (?2, ?3, ?4, ?5, ?6, ?7, ?1)
                     returning id, email, email_verified, roles, created_at, disabled_at",
                    now,
                    user.id.0,
                    email,
                    key,
                    user.email_verified,
                    hash,
                    roles,
                )
                .fetch_all(transaction)
                .await
            })
            .await?;
        match added.pop() {
            Some(row) => Ok(AddUserOutcome::Added(row.try_into()?)),
            None => Ok(AddUserOutcome::EmailTaken),
        }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
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

    async fn upgrade_hash(
        &self,
        user: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<UpgradeOutcome, StoreError> {
        let (from, to) = (from.as_str(), to.as_str());
        let changed = self
            .writer
            .with_connection_once(async |connection| {
                let changed = sqlx::query!(
                    "update users set password_hash = ?1 where id = ?2 and password_hash = ?3",
                    to,
                    user.0,
                    from,
                );
                Ok::<_, sqlx::Error>(changed.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(if changed == 0 { UpgradeOutcome::Lost } else { UpgradeOutcome::Upgraded })
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
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

    async fn search_users(
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

    async fn find_user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let (id, key) = match name {
            UserName::Id(id) => (Some(id.0), None),
            UserName::Email(key) => (None, Some(key.as_str())),
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

    async fn set_roles(&self, user: UserId, roles: &[Role]) -> Result<ChangeOutcome, StoreError> {
        let roles = json(roles.iter().map(Role::as_str));
        let changed = self
            .writer
            .with_connection(async |connection| {
                let set = sqlx::query!("update users set roles = ?2 where id = ?1", user.0, roles);
                set.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(changed.rows_affected(), 0))
    }

    async fn replace_roles(
        &self,
        user: UserId,
        from: &[Role],
        to: &[Role],
    ) -> Result<ChangeOutcome, StoreError> {
        let (from, to) = (json(from.iter().map(Role::as_str)), json(to.iter().map(Role::as_str)));
        let changed = self
            .writer
            .with_connection_once(async |connection| {
                let set = sqlx::query!(
                    "update users set roles = ?3 where id = ?1 and roles = ?2",
                    user.0,
                    from,
                    to
                );
                set.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(changed.rows_affected(), 0))
    }

    async fn set_email(
        &self,
        user: UserId,
        email: &Email,
        verified: bool,
    ) -> Result<SetEmailOutcome, StoreError> {
        let (text, key) = (email.as_str(), email.key());
        let key = key.as_str();
        self.writer
            .transact(async |transaction| {
                let Some(old) = key_of(transaction, user).await? else {
                    return Ok(SetEmailOutcome::UnknownUser);
                };
                if old != key && !claim(transaction, user, key).await? {
                    return Ok(SetEmailOutcome::EmailTaken);
                }
                let set = sqlx::query!(
                    "update users
                     set email = ?2, email_key = ?3, email_verified = ?4 or (email_verified and email_key = ?3)
                     where id = ?1",
                    user.0,
                    text,
                    key,
                    verified,
                );
                set.execute(&mut *transaction).await?;
                if old != key {
                    release(transaction, user, &old).await?;
                }
                Ok(SetEmailOutcome::Set)
            })
            .await
    }

    async fn confirm_email(&self, user: UserId, email: &EmailKey) -> Result<ChangeOutcome, StoreError> {
        let key = email.as_str();
        let confirmed = self
            .writer
            .with_connection(async |connection| {
                let confirm = sqlx::query!(
                    "update users set email_verified = true where id = ?1 and email_key = ?2",
                    user.0,
                    key
                );
                confirm.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(confirmed.rows_affected(), 0))
    }

    async fn set_password(&self, password: &NewPassword) -> Result<ChangeOutcome, StoreError> {
        let (user, hash) = (password.user_id, password.hash.as_str());
        let (verified_hash, session) = match &password.setter {
            PasswordSetter::Administrator => (None, None),
            PasswordSetter::SessionOwner { verified_hash, session } => {
                (Some(verified_hash.as_str()), Some(*session))
            }
        };
        let session_id = session.map(|session| session.0);
        let changed = self
            .writer
            .transact_once(async |transaction| {
                let set = sqlx::query!(
                    "update users set password_hash = ?2
                 where id = ?1
                   and (?3 is null or (password_hash = ?3 and disabled_at is null))
                   and (?4 is null or exists (select 1 from sessions where user_id = ?1 and id = ?4))",
                    user.0,
                    hash,
                    verified_hash,
                    session_id,
                );
                let set = set.execute(&mut *transaction).await?.rows_affected();
                let ended =
                    if set == 0 { 0 } else { end_all(transaction, self.now(), user, session).await? };
                Ok(changed_or_refused(set, ended))
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }

    async fn disable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let changed = self
            .writer
            .transact(async |transaction| {
                let now = self.now();
                let disabled = sqlx::query!(
                    "update users set disabled_at = coalesce(disabled_at, ?1) where id = ?2",
                    now,
                    user.0
                );
                let disabled = disabled.execute(&mut *transaction).await?.rows_affected();
                let ended = end_all(transaction, now, user, None).await?;
                Ok(changed_or_refused(disabled, ended))
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }

    async fn enable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let enabled = self
            .writer
            .with_connection(async |connection| {
                let enable = sqlx::query!("update users set disabled_at = null where id = ?1", user.0);
                enable.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(enabled.rows_affected(), 0))
    }

    async fn delete_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let changed = self
            .writer
            .transact_once(async |transaction| {
                let ended = end_all(&mut *transaction, self.now(), user, None).await?;
                let deleted =
                    sqlx::query_scalar!("delete from users where id = ?1 returning email_key", user.0);
                let Some(key) = deleted.fetch_all(&mut *transaction).await?.pop() else {
                    return Ok(ChangeOutcome::Refused);
                };
                release(transaction, user, &key).await?;
                Ok(ChangeOutcome::Changed { ended_sessions: ended })
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }
}

fn changed_or_refused(rows: u64, ended_sessions: u64) -> ChangeOutcome {
    if rows == 0 { ChangeOutcome::Refused } else { ChangeOutcome::Changed { ended_sessions } }
}
