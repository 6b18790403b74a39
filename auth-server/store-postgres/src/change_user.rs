//! The transactions that add, change and delete a user.

use auth_domain::{Email, NewPassword, NewUser, PasswordSetter, UserId};
use auth_store::{ChangeOutcome, SetEmailOutcome, StoreError};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};

use crate::PostgresStore;
use crate::email_keys::{claim, lock_key_of, release};
use crate::end_sessions::{end_all, lock_user};
use crate::user_rows::UserRow;
use crate::users::{changed_or_refused, names};

impl PostgresStore {
    /// Sets a password and ends the sessions, except the one in which the user sets it.
    pub(crate) async fn set_password_and_end_others(
        &self,
        password: &NewPassword,
    ) -> Result<ChangeOutcome, StoreError> {
        let user = password.user_id;
        let (verified_hash, session) = match &password.setter {
            PasswordSetter::Operator => (None, None),
            PasswordSetter::SessionOwner { verified_hash, session } => {
                (Some(verified_hash.as_str()), Some(*session))
            }
        };
        let changed = self
            .transact_once(async |transaction| {
                lock_user(transaction, user).await?;
                let set = sqlx::query!(
                    "update users set password_hash = $2
                 where id = $1
                   and ($3::text is null or (password_hash = $3 and disabled_at is null))
                   and ($4::uuid is null or exists (select 1 from sessions where user_id = $1 and id = $4))",
                    user.0,
                    password.hash.as_str(),
                    verified_hash,
                    session.map(|session| session.0),
                );
                let set = set.execute(&mut *transaction).await?.rows_affected();
                let ended = if set == 0 {
                    0
                } else {
                    end_all(transaction, self.clock_offset(), user, session).await?
                };
                Ok(changed_or_refused(set, ended))
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }

    /// Disables a user and ends all sessions.
    pub(crate) async fn disable_and_end(&self, user: UserId) -> Result<ChangeOutcome, StoreError> {
        let changed = self
            .transact(async |transaction| {
                // `least` ignores null.
                let disable = sqlx::query!(
                    "update users set disabled_at = least(disabled_at, statement_timestamp() + $1::interval)
                     where id = $2",
                    self.clock_offset(),
                    user.0,
                );
                let disabled = disable.execute(&mut *transaction).await?.rows_affected();
                let ended = end_all(transaction, self.clock_offset(), user, None).await?;
                Ok(changed_or_refused(disabled, ended))
            })
            .await?;
        self.notify_appended();
        Ok(changed)
    }

    /// Deletes a disabled user, what the user allowed and the spent codes, and releases the address. Returns whether a row
    /// was deleted. A disabled user cannot open a session meanwhile, and the lock waits for a consent.
    pub(crate) async fn delete_disabled(&self, user: UserId) -> Result<bool, StoreError> {
        self.transact_once(async |transaction| {
            let lock = sqlx::query_scalar!(
                "select email_key from users where id = $1 and disabled_at is not null for update",
                user.0
            );
            let Some(key) = lock.fetch_optional(&mut *transaction).await? else { return Ok(false) };
            sqlx::query!("delete from codes where user_id = $1", user.0).execute(&mut *transaction).await?;
            sqlx::query!("delete from grants where user_id = $1", user.0).execute(&mut *transaction).await?;
            sqlx::query!("delete from users where id = $1", user.0).execute(&mut *transaction).await?;
            release(transaction, user, &key).await?;
            Ok(true)
        })
        .await
    }
}

/// Adds a user, unless the address is taken.
pub(crate) async fn add(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: &NewUser,
) -> Result<Option<UserRow>, Error> {
    let key = user.email.key();
    if !claim(transaction, user.id, key.as_str()).await? {
        return Ok(None);
    }
    sqlx::query_as!(
        UserRow,
        "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
         values ($2, $3, $4, $5, $6, $7, statement_timestamp() + $1::interval)
         returning id, email, email_verified, roles, created_at, disabled_at",
        clock_offset,
        user.id.0,
        user.email.as_str(),
        key.as_str(),
        user.email_verified,
        user.password_hash.as_str(),
        &names(&user.roles),
    )
    .fetch_optional(transaction)
    .await
}

/// Changes a user's address, unless another user has it.
pub(crate) async fn change_email(
    transaction: &mut PgConnection,
    user: UserId,
    email: &Email,
    verified: bool,
) -> Result<SetEmailOutcome, Error> {
    let key = email.key();
    let Some(old) = lock_key_of(transaction, user).await? else { return Ok(SetEmailOutcome::UnknownUser) };
    let is_new = old != key.as_str();
    if is_new && !claim(transaction, user, key.as_str()).await? {
        return Ok(SetEmailOutcome::EmailTaken);
    }
    let set = sqlx::query!(
        "update users
         set email = $2, email_key = $3, email_verified = $4 or (email_verified and email_key = $3)
         where id = $1",
        user.0,
        email.as_str(),
        key.as_str(),
        verified,
    );
    set.execute(&mut *transaction).await?;
    if is_new {
        release(transaction, user, &old).await?;
    }
    Ok(SetEmailOutcome::Set)
}
