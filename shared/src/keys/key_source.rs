//! A live handle to the keys of a service: local ones and those that auth-server publishes.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use goptri_settings::Reloadable;

use super::verifying_keys::VerifyingKeys;
use crate::jws::TokenType;
use crate::token_error::TokenError;

/// The keys that a service verifies with. Clones share them, and readers never wait for a writer.
#[derive(Debug, Clone)]
pub struct KeySource {
    current: Reloadable<KeySnapshot>,
    /// The parts of `current`. Only writers lock it.
    state: Arc<Mutex<KeySourceState>>,
}

#[derive(Debug)]
struct KeySourceState {
    local: VerifyingKeys,
    published: PublishedKeys,
}

#[derive(Debug)]
enum PublishedKeys {
    /// The service does not fetch keys from auth-server.
    Disabled,
    Pending,
    Loaded(VerifyingKeys),
}

/// The keys at one moment. Dereferences to [`VerifyingKeys`].
#[derive(Debug)]
pub struct KeySnapshot {
    keys: VerifyingKeys,
    unavailable: Option<KeysUnavailable>,
    version: u64,
}

/// Why a service cannot verify every token yet, as a clause that follows "this service".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysUnavailable {
    /// The keys of auth-server were never fetched.
    #[error("waits for the public keys of auth-server")]
    NotFetched,
    /// There are no keys at all.
    #[error(
        "has no key: auth-server publishes none, and ACCESS_TOKEN_SECRET is not set. Give this service the secret, or auth-server an ACCESS_TOKEN_KEY_FILE"
    )]
    NoKeys,
}

impl KeySource {
    /// Local keys only.
    pub fn local(keys: VerifyingKeys) -> Self {
        Self::new(KeySourceState { local: keys, published: PublishedKeys::Disabled })
    }

    /// Local keys, and those that auth-server publishes, which are not fetched yet.
    pub fn awaiting_published(local: VerifyingKeys) -> Self {
        Self::new(KeySourceState { local, published: PublishedKeys::Pending })
    }

    /// Replaces the local keys. Returns whether the set of all keys changed.
    pub fn set_local(&self, keys: VerifyingKeys) -> bool {
        self.update(|state| state.local = keys)
    }

    /// Replaces the local keys and logs a change.
    pub(crate) fn reload_local(&self, keys: VerifyingKeys) {
        if self.set_local(keys) {
            tracing::info!(
                keys = self.snapshot().describe(),
                "the keys that verify access tokens have changed"
            );
        }
    }

    /// Replaces the keys that auth-server publishes. Keys that it no longer publishes are not trusted any more.
    pub fn set_published(&self, keys: VerifyingKeys) {
        self.update(|state| state.published = PublishedKeys::Loaded(keys));
    }

    /// Checks whether all keys are known, so that every valid token can be verified.
    ///
    /// # Errors
    /// Which keys are missing.
    pub fn check_ready(&self) -> Result<(), KeysUnavailable> {
        self.current.load().unavailable.map_or(Ok(()), Err)
    }

    /// The current keys.
    pub fn snapshot(&self) -> impl Deref<Target = Arc<KeySnapshot>> {
        self.current.load()
    }

    fn new(state: KeySourceState) -> Self {
        Self { current: Reloadable::new(state.snapshot(0)), state: Arc::new(Mutex::new(state)) }
    }

    fn update(&self, change: impl FnOnce(&mut KeySourceState)) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let before = self.current.load();
        let mut after = state.snapshot(before.version);
        let changed = after.keys != before.keys;
        after.version += u64::from(changed);
        self.current.replace(after);
        changed
    }
}

impl From<VerifyingKeys> for KeySource {
    fn from(keys: VerifyingKeys) -> Self {
        Self::local(keys)
    }
}

impl KeySnapshot {
    /// Increases with every change of the keys. A token that was verified with one version must be verified again with
    /// the next.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Like [`VerifyingKeys::verified_payload`], but returns [`TokenError::KeysUnavailable`] for an unknown key while
    /// keys are still missing.
    pub(crate) fn verified_payload(&self, typ: TokenType, token: &str) -> Result<Vec<u8>, TokenError> {
        self.keys.verified_payload(typ, token).map_err(|error| match error {
            TokenError::UnknownKey if self.unavailable.is_some() => TokenError::KeysUnavailable,
            error => error,
        })
    }
}

impl Deref for KeySnapshot {
    type Target = VerifyingKeys;

    fn deref(&self) -> &VerifyingKeys {
        &self.keys
    }
}

impl KeySourceState {
    fn snapshot(&self, version: u64) -> KeySnapshot {
        let keys = match &self.published {
            PublishedKeys::Loaded(published) => self.local.clone().merged_with(published),
            PublishedKeys::Disabled | PublishedKeys::Pending => self.local.clone(),
        };
        let unavailable = match self.published {
            PublishedKeys::Pending => Some(KeysUnavailable::NotFetched),
            _ if keys.is_empty() => Some(KeysUnavailable::NoKeys),
            _ => None,
        };
        KeySnapshot { keys, unavailable, version }
    }
}
