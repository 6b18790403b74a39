//! Rows of `users`.

use auth_domain::{Credentials, EmailKey, PasswordHash, StoredEmail, User, UserId};
use auth_store::StoreError;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::rows::{email, roles};

/// A user.
pub(crate) struct UserRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) disabled_at: Option<DateTime<Utc>>,
}

/// The address and the key of a user.
pub(crate) struct StoredEmailRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) email_key: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// The credentials of a user.
pub(crate) struct CredentialsRow {
    pub(crate) id: Uuid,
    pub(crate) password_hash: Option<String>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            email: email(row.id, &row.email)?,
            email_verified: row.email_verified,
            roles: roles(row.id, &row.roles)?,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        })
    }
}

impl TryFrom<StoredEmailRow> for StoredEmail {
    type Error = StoreError;

    fn try_from(row: StoredEmailRow) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: UserId(row.id),
            email: email(row.id, &row.email)?,
            key: EmailKey::stored(row.email_key),
            created_at: row.created_at,
        })
    }
}

impl From<CredentialsRow> for Credentials {
    fn from(row: CredentialsRow) -> Self {
        Self { user_id: UserId(row.id), password_hash: row.password_hash.map(PasswordHash::from_phc) }
    }
}
