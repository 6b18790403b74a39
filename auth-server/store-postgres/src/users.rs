//! Users.

use async_trait::async_trait;
use auth_domain::{
    Credentials, Email, EmailKey, NewPassword, NewUser, PasswordHash, PasswordSetter, Role, User, UserId,
    UserName,
};
use auth_store::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, StoreError, UpgradeOutcome, Users};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{end_all, lock_user};
use crate::rows::{CredentialsRow, UserRow};

#[async_trait]
impl Users for PostgresStore {
    async fn add_user(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError> {
        let key = user.email.key();
        let roles = names(&user.roles);
        let added = self
            .pool.with_connection_once(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
                     values ($2, $3, $4, $5, $6, $7, statement_timestamp() + $1::interval)
                     on conflict (email_key) do nothing
                     returning id, email, email_verified, roles, created_at, disabled_at",
                    self.clock_offset(),
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
            Some(row) => Ok(AddUserOutcome::Added(row.try_into()?)),
            None => Ok(AddUserOutcome::EmailTaken),
        }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
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
    ) -> Result<UpgradeOutcome, StoreError> {
        let (from, to) = (from.as_str(), to.as_str());
        let changed = self
            .pool
            .with_connection_once(async |connection| {
                let changed = sqlx::query!(
                    "update users set password_hash = $1 where id = $2 and password_hash = $3",
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

    async fn search_users(
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

    async fn find_user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let (id, key) = match name {
            UserName::Id(id) => (Some(id.0), None),
            UserName::Email(key) => (None, Some(key.as_str())),
        };
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    UserRow,
                    "select id, email, email_verified, roles, created_at, disabled_at
                     from users where id = $1 or email_key = $2",
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
        let roles = names(roles);
        let changed = self
            .pool
            .with_connection(async |connection| {
                let set = sqlx::query!("update users set roles = $2 where id = $1", user.0, &roles);
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
        let (from, to) = (names(from), names(to));
        let changed = self
            .pool
            .with_connection_once(async |connection| {
                let set = sqlx::query!(
                    "update users set roles = $3 where id = $1 and roles = $2",
                    user.0,
                    &from,
                    &to
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
        let key = email.key();
        self.pool
            .with_connection(async |connection| {
                let set = sqlx::query!(
                    "update users
                 set email = $2, email_key = $3, email_verified = $4 or (email_verified and email_key = $3)
                 where id = $1",
                    user.0,
                    email.as_str(),
                    key.as_str(),
                    verified,
                );
                match set.execute(connection).await {
                    Ok(set) if set.rows_affected() == 0 => Ok(SetEmailOutcome::UnknownUser),
                    Ok(_) => Ok(SetEmailOutcome::Set),
                    Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                        Ok(SetEmailOutcome::EmailTaken)
                    }
                    Err(error) => Err(error),
                }
            })
            .await
    }

    async fn confirm_email(&self, user: UserId, email: &EmailKey) -> Result<ChangeOutcome, StoreError> {
        let confirmed = self
            .pool
            .with_connection(async |connection| {
                let confirm = sqlx::query!(
                    "update users set email_verified = true where id = $1 and email_key = $2",
                    user.0,
                    email.as_str()
                );
                confirm.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(confirmed.rows_affected(), 0))
    }

    async fn set_password(&self, password: &NewPassword) -> Result<ChangeOutcome, StoreError> {
        let password = password.clone();
        self.run_detached(move |store| {
            let password = password.clone();
            async move { store.set_password_and_end_others(&password).await }
        })
        .await
    }

    async fn disable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        self.run_detached(move |store| async move {
            store
                .transact(async |transaction| {
                    let disabled = sqlx::query!(
                        "update users set disabled_at = coalesce(disabled_at, statement_timestamp() + $1::interval)
                         where id = $2",
                        store.clock_offset(),
                        user.0,
                    );
                    let disabled = disabled.execute(&mut *transaction).await?.rows_affected();
                    let ended = end_all(transaction, store.clock_offset(), user, None).await?;
                    Ok(changed_or_refused(disabled, ended))
                })
                .await
        })
        .await
    }

    async fn enable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let enabled = self
            .pool
            .with_connection(async |connection| {
                let enable = sqlx::query!("update users set disabled_at = null where id = $1", user.0);
                enable.execute(connection).await
            })
            .await?;
        Ok(changed_or_refused(enabled.rows_affected(), 0))
    }

    async fn delete_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        self.run_detached(move |store| async move {
            store
                .transact_once(async |transaction| {
                    lock_user(transaction, user).await?;
                    let ended = end_all(transaction, store.clock_offset(), user, None).await?;
                    let deleted = sqlx::query!("delete from users where id = $1", user.0);
                    let deleted = deleted.execute(&mut *transaction).await?.rows_affected();
                    Ok(changed_or_refused(deleted, ended))
                })
                .await
        })
        .await
    }
}

impl PostgresStore {
    async fn set_password_and_end_others(&self, password: &NewPassword) -> Result<ChangeOutcome, StoreError> {
        let user = password.user_id;
        let (verified_hash, session) = match &password.setter {
            PasswordSetter::Administrator => (None, None),
            PasswordSetter::SessionOwner { verified_hash, session } => {
                (Some(verified_hash.as_str()), Some(*session))
            }
        };
        self.transact_once(async |transaction| {
            lock_user(transaction, user).await?;
            let set = sqlx::query!(
                "update users set password_hash = $2
                 where id = $1
                   and ($3::text is null or (password_hash = $3 and disabled_at is null))
                   and ($4::uuid is null or exists (select from sessions where user_id = $1 and id = $4))",
                user.0,
                password.hash.as_str(),
                verified_hash,
                session.map(|session| session.0),
            );
            let set = set.execute(&mut *transaction).await?.rows_affected();
            let ended =
                if set == 0 { 0 } else { end_all(transaction, self.clock_offset(), user, session).await? };
            Ok(changed_or_refused(set, ended))
        })
        .await
    }
}

fn changed_or_refused(rows: u64, ended_sessions: u64) -> ChangeOutcome {
    if rows == 0 { ChangeOutcome::Refused } else { ChangeOutcome::Changed { ended_sessions } }
}

fn names(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}
