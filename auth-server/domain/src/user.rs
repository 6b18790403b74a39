//! Users.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{Email, EmailKey, PasswordHash, SessionId};

/// Identifies a user for ever; never reused (JV-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a user is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserIdOrEmail {
    /// The id.
    Id(UserId),
    /// The e-mail address.
    Email(EmailKey),
}

impl UserIdOrEmail {
    /// Parses an id or an e-mail address. `None`: neither.
    pub fn parse(text: &str) -> Option<Self> {
        match Uuid::try_parse(text.trim()) {
            Ok(id) => Some(Self::Id(UserId(id))),
            Err(_) => Email::parse(text).ok().map(|email| Self::Email(email.key())),
        }
    }
}

/// A role such as `admin`: 1 to 64 lower-case letters, digits, `-`, `_`, `.` or `:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Role(String);

/// The text is not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is a word of 1 to 64 lower-case letters, digits, dashes, underscores, dots or colons")]
pub struct InvalidRole;

impl Role {
    /// Parses a role.
    pub fn parse(text: &str) -> Result<Self, InvalidRole> {
        let fits =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b':');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRole)
        }
    }

    /// The text of the role.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A fresh id.
    pub id: UserId,
    /// The e-mail address.
    pub email: Email,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// The roles.
    pub roles: Vec<Role>,
}

/// A stored user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The e-mail address.
    pub email: Email,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// The roles.
    pub roles: Vec<Role>,
    /// When the user was added.
    pub created_at: DateTime<Utc>,
    /// Since when sign-in is blocked. `None`: it is allowed.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What a sign-in is verified against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user_id: UserId,
    /// The hash that the password must match. `None`: the user has no password.
    pub password_hash: Option<PasswordHash>,
}

/// A password to set.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// The user.
    pub user_id: UserId,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// Who sets it.
    pub setter: PasswordSetter,
}

/// Who sets a password.
#[derive(Debug, Clone)]
pub enum PasswordSetter {
    /// The operator: the old password is not verified.
    Operator,
    /// The user.
    SessionOwner {
        /// The hash against which the old password was verified.
        verified_hash: PasswordHash,
        /// The session in which the user sets it; it does not end.
        session: SessionId,
    },
}
