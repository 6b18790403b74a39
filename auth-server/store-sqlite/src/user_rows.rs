//! Rows of `users`.

use auth_domain::{Credentials, EmailKey, PasswordHash, StoredEmail, User, UserId};
use auth_store::StoreError;
use uuid::Uuid;

use crate::rows::{Micros, corrupt, email, roles};

/// A user.
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: String,
    pub(crate) created_at: Micros,
    pub(crate) disabled_at: Option<Micros>,
}

/// The address and the key of a user.
pub(crate) struct StoredEmailRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_key: String,
    pub(crate) created_at: Micros,
}

/// The credentials of a user.
pub(crate) struct CredentialsRow {
    pub(crate) id: Uuid,
    pub(crate) password_hash: Option<String>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let time =
            |micros: Micros, what| micros.time().ok_or_else(|| corrupt("users", row.id.to_string(), what));
        Ok(Self {
            id: UserId(row.id),
            email: email(row.id, &row.email)?,
            email_verified: row.email_verified,
            roles: roles(row.id, &row.roles)?,
            created_at: time(row.created_at, "created_at")?,
            disabled_at: row.disabled_at.map(|micros| time(micros, "disabled_at")).transpose()?,
        })
    }
}

impl TryFrom<StoredEmailRow> for StoredEmail {
    type Error = StoreError;

    fn try_from(row: StoredEmailRow) -> Result<Self, StoreError> {
        let created_at = row.created_at.time();
        Ok(Self {
            user_id: UserId(row.id),
            email: email(row.id, &row.email)?,
            key: EmailKey::stored(row.email_key),
            created_at: created_at.ok_or_else(|| corrupt("users", row.id.to_string(), "created_at"))?,
        })
    }
}

impl From<CredentialsRow> for Credentials {
    fn from(row: CredentialsRow) -> Self {
        Self { user_id: UserId(row.id), password_hash: row.password_hash.map(PasswordHash::from_phc) }
    }
}
