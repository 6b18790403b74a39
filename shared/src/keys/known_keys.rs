//! The keys that a service verifies with: its own and those that auth-server publishes, united.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::{KeyRing, VerifyingKeys};
use crate::{TokenError, TokenType};
use goptri_settings::Reloadable;

/// Clones share the keys. Who verifies never waits for who changes them.
#[derive(Debug, Clone)]
pub struct KeySource {
    united: Reloadable<KeySnapshot>,
    /// What they are made of. Locked only by who changes them.
    parts: Arc<Mutex<KeySourceState>>,
}

#[derive(Debug)]
struct KeySourceState {
    own: VerifyingKeys,
    /// What auth-server publishes, where that counts.
    published: Published,
}

#[derive(Debug)]
enum Published {
    DoesNotCount,
    NotHeard,
    Heard(VerifyingKeys),
}

/// What is known at one moment.
#[derive(Debug)]
pub(crate) struct KeySnapshot {
    keys: VerifyingKeys,
    lacking: Option<KeysUnavailable>,
    version: KeysVersion,
}

/// Another one whenever other keys verify: what was found good with one version need not be so with the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct KeysVersion(u64);

/// Why a service cannot tell yet whether a token is genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysUnavailable {
    /// They were not fetched even once.
    #[error("waits for the public keys of auth-server")]
    NotFetched,
    /// There are none.
    #[error(
        "has no key: auth-server publishes none, and ACCESS_TOKEN_SECRET is not set. Give this service the secret, or auth-server an ACCESS_TOKEN_KEY_FILE"
    )]
    None,
}

impl KeySource {
    /// These, and no others.
    pub fn own(keys: VerifyingKeys) -> Self {
        Self::of(KeySourceState { own: keys, published: Published::DoesNotCount })
    }

    /// These, and those that auth-server publishes, which are not known yet.
    pub fn with_published(own: VerifyingKeys) -> Self {
        Self::of(KeySourceState { own, published: Published::NotHeard })
    }

    /// Replaces those of its own. Whether they are others than before.
    pub fn set_own(&self, keys: VerifyingKeys) -> bool {
        self.change(|parts| parts.own = keys)
    }

    /// The same, and it says so in the log.
    pub(crate) fn take_own(&self, keys: VerifyingKeys) {
        if self.set_own(keys) {
            tracing::info!(
                keys = self.load().describe(),
                "access tokens are verified with other keys from now on"
            );
        }
    }

    /// Replaces those that auth-server publishes. What it no longer does is trusted no more.
    pub fn set_published(&self, keys: VerifyingKeys) {
        self.change(|parts| parts.published = Published::Heard(keys));
    }

    /// Whether every genuine token can be told.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), KeysUnavailable> {
        self.united.load().lacking.map_or(Ok(()), Err)
    }

    /// As they are now.
    pub(crate) fn now(&self) -> impl Deref<Target = Arc<KeySnapshot>> {
        self.united.load()
    }

    /// All of them.
    pub fn load(&self) -> impl Deref<Target = VerifyingKeys> {
        United(self.united.load())
    }

    fn of(parts: KeySourceState) -> Self {
        Self {
            united: Reloadable::new(parts.united(KeysVersion::default())),
            parts: Arc::new(Mutex::new(parts)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut KeySourceState)) -> bool {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        let before = self.united.load();
        let now = parts.united(before.version);
        let other = now.keys != before.keys;
        let version = KeysVersion(before.version.0 + u64::from(other));
        self.united.replace(KeySnapshot { version, ..now });
        other
    }
}

impl KeySnapshot {
    /// Which keys these are.
    pub(crate) fn version(&self) -> KeysVersion {
        self.version
    }

    /// The payload of `token`, if it is of that kind and one of these keys signed it.
    ///
    /// # Errors
    /// [`TokenError::KeysUnavailable`] where the key that it names may be one that is not known yet.
    pub(crate) fn payload(&self, typ: TokenType, token: &str) -> Result<Vec<u8>, TokenError> {
        self.keys.payload(typ, token).map_err(|refusal| match (refusal, self.lacking) {
            (TokenError::UnknownKey, Some(_)) => TokenError::KeysUnavailable,
            _ => refusal,
        })
    }
}

impl From<KeyRing> for KeySource {
    fn from(ring: KeyRing) -> Self {
        Self::own(ring.verifying().clone())
    }
}

impl KeySourceState {
    fn united(&self, version: KeysVersion) -> KeySnapshot {
        let (keys, heard) = match &self.published {
            Published::Heard(published) => (self.own.clone().and(published.clone()), true),
            Published::NotHeard => (self.own.clone(), false),
            Published::DoesNotCount => (self.own.clone(), true),
        };
        let lacking = match (heard, keys.is_empty()) {
            (false, _) => Some(KeysUnavailable::NotFetched),
            (true, true) => Some(KeysUnavailable::None),
            (true, false) => None,
        };
        KeySnapshot { keys, lacking, version }
    }
}

struct United<G>(G);

impl<G: Deref<Target = Arc<KeySnapshot>>> Deref for United<G> {
    type Target = VerifyingKeys;

    fn deref(&self) -> &VerifyingKeys {
        &self.0.keys
    }
}
