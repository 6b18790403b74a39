//! Keys: what signs tokens, what verifies them, and how a service comes by the public ones.
//!
//! A [`KeyRing`] signs and verifies; a service that issues nothing has the verifying half of it, [`VerifyingKeys`], its own or
//! those that auth-server publishes ([`Jwks`]), or both united: [`KeySource`].

#[cfg(feature = "feed")]
mod fetch;
#[cfg(feature = "feed")]
mod follower;
mod jwks;
mod key_file;
mod key_ring;
mod known_keys;
mod public_key;
mod rsa_modulus;
mod signing_key;
mod verifying_keys;

#[cfg(feature = "feed")]
pub use follower::{JwksRefreshConfig, JwksRefresher, KeyRefreshTrigger};
pub use jwks::{Jwks, JwksError, MAX_JWKS_BYTES, MAX_KEYS, PATH};
pub use key_file::KeyFileError;
pub use key_ring::{KeyRing, SigningError};
pub(crate) use known_keys::{KeySnapshot, KeysVersion};
pub use known_keys::{KeySource, KeysUnavailable};
pub use public_key::PublicKeyError;
pub use verifying_keys::{KeyName, VerifyingKeys};
