//! Keys that sign and verify tokens, for Goptri's own servers and for tools.
//!
//! [`VerifyingKeys`] is a set of keys that verify. A [`KeySource`] is a live handle to such a set: local keys, the keys
//! that auth-server publishes ([`Jwks`]), or both. auth-server signs with a `KeyRing` (feature `signing`).

#[cfg(feature = "feed")]
mod fetch;
mod jwks;
#[cfg(feature = "feed")]
mod jwks_refresher;
#[cfg(feature = "signing")]
mod key_file;
#[cfg(feature = "signing")]
mod key_file_error;
#[cfg(feature = "signing")]
mod key_ring;
mod key_source;
mod public_key;
mod rsa_modulus;
#[cfg(feature = "signing")]
mod signing_key;
mod verifying_key;
mod verifying_keys;

pub use jwks::{JWKS_PATH, Jwks, JwksError, MAX_JWKS_BYTES, MAX_KEYS};
#[cfg(feature = "feed")]
pub use jwks_refresher::{JwksRefreshConfig, JwksRefresher, KeyRefreshTrigger};
#[cfg(feature = "signing")]
pub use key_file_error::KeyFileError;
#[cfg(feature = "signing")]
pub use key_ring::KeyRing;
pub use key_source::{KeySnapshot, KeySource, KeysUnavailable};
pub use public_key::PublicKeyError;
#[cfg(feature = "signing")]
pub use signing_key::SigningError;
pub use verifying_key::KeyName;
pub use verifying_keys::VerifyingKeys;
