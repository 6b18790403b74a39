//! People who can sign in.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{Email, EmailKey, PasswordHash, SessionId};

/// Names a person for good; never given to another (JV-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a person may be called by when somebody names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName {
    /// By their id.
    Id(UserId),
    /// By their address.
    Email(EmailKey),
}

impl UserName {
    /// An id or an e-mail address. `None`: neither.
    pub fn parse(text: &str) -> Option<Self> {
        match Uuid::try_parse(text) {
            Ok(id) => Some(Self::Id(UserId(id))),
            Err(_) => Email::parse(text).ok().map(|email| Self::Email(email.key())),
        }
    }
}

/// A role such as `admin`: a word of 1 to 64 lower-case letters, digits, `-`, `_`, `.` or `:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Role(String);

/// The text is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is a word of 1 to 64 lower-case letters, digits, dashes, underscores, dots or colons")]
pub struct InvalidRole;

impl Role {
    /// Parses one role.
    pub fn parse(text: &str) -> Result<Self, InvalidRole> {
        let fits =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b':');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRole)
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A fresh id.
    pub id: UserId,
    /// Where to write to them.
    pub email: Email,
    /// Whether somebody vouches for the address.
    pub email_verified: bool,
    /// What their password is checked against.
    pub password_hash: PasswordHash,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// A person as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// Where to write to them.
    pub email: Email,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// What they may do.
    pub roles: Vec<Role>,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// Since when they may not sign in, if so.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub user_id: UserId,
    /// The hash that the password must match. `None`: this person has no password.
    pub password_hash: Option<PasswordHash>,
}

/// A password to be set.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// Whose.
    pub user_id: UserId,
    /// What it is checked against from now on.
    pub hash: PasswordHash,
    /// Who sets it.
    pub setter: PasswordSetter,
}

/// Who sets a password.
#[derive(Debug, Clone)]
pub enum PasswordSetter {
    /// Somebody who need not know the old one.
    Administrator,
    /// The person themselves.
    SessionOwner {
        /// The hash that the old password was verified against.
        verified_hash: PasswordHash,
        /// The session in which they do so; it goes on.
        session: SessionId,
    },
}
