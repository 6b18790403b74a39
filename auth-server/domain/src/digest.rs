//! The SHA-256 of a secret, which a store keeps instead of the secret.

use std::fmt;
use std::marker::PhantomData;

use goptri_settings::{Plain, SecretKind};
use sha2::Digest as _;
use subtle::ConstantTimeEq;

/// The kind of a refresh token's `jti`. The store has only its digest.
#[derive(Debug)]
pub enum RefreshJti {}
impl SecretKind for RefreshJti {
    const NAME: &'static str = "refresh token id";
}

/// The SHA-256 of a secret of kind `K`, which has at least 128 random bits, so that a plain hash is sufficient (RT-02).
pub struct Digest<K: SecretKind> {
    bytes: [u8; 32],
    kind: PhantomData<fn() -> K>,
}

impl<K: SecretKind> Digest<K> {
    /// The digest of a secret.
    pub fn of(secret: &Plain<K>) -> Self {
        Self::from_bytes(sha2::Sha256::digest(secret.expose().as_bytes()).into())
    }

    /// A stored digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// Whether both digests are equal, compared in constant time. For secrets that an attacker may choose, and whose
    /// digests the attacker can therefore compute and vary.
    pub fn equals_in_constant_time(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// The bytes, to be stored or to be compared by the database.
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
    /// Not in constant time: a digest is not secret, because it cannot be presented in place of the secret.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<K: SecretKind> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<digest of a {}>", K::NAME)
    }
}
