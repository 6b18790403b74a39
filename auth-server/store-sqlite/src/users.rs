//! Users.

use async_trait::async_trait;
use auth_domain::{
    Credentials, Email, EmailKey, NewPassword, NewUser, PasswordHash, Role, User, UserId, UserIdOrEmail,
};
use auth_store::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, StoreError, UpgradeOutcome, Users};

use crate::SqliteStore;
use crate::rows::json;

#[async_trait]
impl Users for SqliteStore {
    async fn add_user(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError> {
        self.add(user).await
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        self.find_credentials(email).await
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
        self.users_after(after, limit).await
    }

    async fn search_users(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        self.users_with(text, after, limit).await
    }

    async fn find_user(&self, name: &UserIdOrEmail) -> Result<Option<User>, StoreError> {
        self.user_named(name).await
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
        self.change_email(user, email, verified).await
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
        self.set_password_and_end_others(password).await
    }

    async fn disable_user(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        self.disable_and_end(user).await
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
        self.delete_and_end(user).await
    }
}

pub(crate) fn changed_or_refused(rows: u64, ended_sessions: u64) -> ChangeOutcome {
    if rows == 0 { ChangeOutcome::Refused } else { ChangeOutcome::Changed { ended_sessions } }
}
