//! What a store keeps in place of a secret: its SHA-256, of a kind of its own.

use std::fmt;
use std::marker::PhantomData;

use goptri_settings::{Plain, SecretKind};
use sha2::Digest as _;

/// The kind of a refresh token's `jti`, which only the token holds.
#[derive(Debug)]
pub enum RefreshJti {}
impl SecretKind for RefreshJti {
    const NAME: &'static str = "refresh token id";
}

/// The SHA-256 of a secret of kind `K`. Of 128 random bits or more, so a plain hash is enough (RT-02).
pub struct Digest<K: SecretKind> {
    bytes: [u8; 32],
    kind: PhantomData<fn() -> K>,
}

impl<K: SecretKind> Digest<K> {
    /// Digests the secret's text.
    pub fn of(secret: &Plain<K>) -> Self {
        Self::from_bytes(sha2::Sha256::digest(secret.expose().as_bytes()).into())
    }

    /// As it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// To be stored, or compared inside the database.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl<K: SecretKind> Clone for Digest<K> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes)
    }
}

impl<K: SecretKind> PartialEq for Digest<K> {
    /// Time may differ: knowing a digest helps nobody, for it is the secret that is presented.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<K: SecretKind> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<digest of a {}>", K::NAME)
    }
}
