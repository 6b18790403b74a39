//! The address and the key of a stored user, for computing keys again after the rules have changed.

use chrono::{DateTime, Utc};

use super::{Email, EmailKey};
use crate::UserId;

/// A user's address, and the key that is stored for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEmail {
    /// The user.
    pub user_id: UserId,
    /// The address.
    pub email: Email,
    /// The key in the store.
    pub key: EmailKey,
    /// When the user was added.
    pub created_at: DateTime<Utc>,
}

impl StoredEmail {
    /// The key by the present rules, if it differs from the stored one.
    pub fn changed_key(&self) -> Option<EmailKey> {
        Some(self.email.key()).filter(|key| *key != self.key)
    }

    /// Whether the present rules accept the address. If not, the user cannot sign in with it.
    pub fn is_accepted(&self) -> bool {
        Email::parse(self.email.as_str()).is_ok()
    }

    /// Whether this user was added before `other`. If both should have one key, the older user gets it.
    pub fn is_older_than(&self, other: &Self) -> bool {
        (self.created_at, self.user_id) < (other.created_at, other.user_id)
    }
}
