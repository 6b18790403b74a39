//! The transactions that add, change and delete a user.

use auth_domain::{Email, NewPassword, NewUser, PasswordSetter, Role, UserId};
use auth_store::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, StoreError};

use crate::SqliteStore;
use crate::email_keys::{claim, key_of, release};
use crate::end_sessions::end_all;
use crate::rows::json;
use crate::user_rows::UserRow;
use crate::users::changed_or_refused;

impl SqliteStore {
    pub(crate) async fn set_password_and_end_others(
        &self,
        password: &NewPassword,
    ) -> Result<ChangeOutcome, StoreError> {
        let (user, hash) = (password.user_id, password.hash.as_str());
        let (verified_hash, session) = match &password.setter {
            PasswordSetter::Operator => (None, None),
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

    pub(crate) async fn disable_and_end(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
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

    pub(crate) async fn delete_and_end(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let changed = self
            .writer
            .transact_once(async |transaction| {
                let ended = end_all(&mut *transaction, self.now(), user, None).await?;
                let deleted =
                    sqlx::query_scalar!("delete from users where id = ?1 returning email_key", user.0);
                let Some(key) = deleted.fetch_all(&mut *transaction).await?.pop() else {
                    return Ok(ChangeOutcome::Refused);
                };
                sqlx::query!("delete from codes where user_id = ?1", user.0)
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query!("delete from grants where user_id = ?1", user.0)
                    .execute(&mut *transaction)
                    .await?;
                release(transaction, user, &key).await?;
                Ok(ChangeOutcome::Changed { ended_sessions: ended })
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }

    pub(crate) async fn add(&self, user: &NewUser) -> Result<AddUserOutcome, StoreError> {
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

    pub(crate) async fn change_email(
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
}
