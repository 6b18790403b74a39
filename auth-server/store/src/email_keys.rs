//! The port to the stored keys of e-mail addresses, for computing them again after the rules have changed. A key is the
//! normalised form of an address, which is unique ([`EmailKey`]).

use async_trait::async_trait;

use super::StoreError;
use auth_domain::{EmailKey, StoredEmail, UserId};

/// Stores the keys of e-mail addresses.
#[async_trait]
pub trait EmailKeys: Send + Sync + 'static {
    /// The version of the rules that was recorded last.
    async fn email_key_version(&self) -> Result<i64, StoreError>;

    /// Records that all keys are those of this version of the rules, unless a later one is recorded.
    async fn record_email_key_version(&self, version: i64) -> Result<(), StoreError>;

    /// The addresses and keys of the first `limit` users after `after`, ordered by id.
    async fn stored_emails(&self, after: Option<UserId>, limit: u32) -> Result<Vec<StoredEmail>, StoreError>;

    /// Returns the stored address with this key, if a user has it.
    async fn email_with_key(&self, key: &EmailKey) -> Result<Option<StoredEmail>, StoreError>;

    /// Replaces the key of a user if it still is `from`, unless another user has `to`.
    async fn set_email_key(
        &self,
        user: UserId,
        from: &EmailKey,
        to: &EmailKey,
    ) -> Result<SetKeyOutcome, StoreError>;

    /// Swaps the keys of two users if both still have the keys that were read. Returns whether they had.
    async fn swap_email_keys(&self, one: &StoredEmail, other: &StoredEmail) -> Result<bool, StoreError>;
}

/// The result of [`EmailKeys::set_email_key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKeyOutcome {
    /// Set.
    Set,
    /// Another user has the key. Nothing changed.
    Taken,
    /// The user has another key meanwhile, or was deleted. Nothing changed.
    Lost,
}
