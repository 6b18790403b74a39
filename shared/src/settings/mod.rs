//! The settings that auth-server and every verifier must agree on.
//!
//! Each function reads one setting, and notes an error in the [`Settings`](goptri_settings::Settings) when it returns
//! `None`.

mod feed;
mod tokens;

#[cfg(feature = "feed")]
pub use feed::auth_server;
pub use feed::{feed_secrets, optional_feed_secrets, staleness};
pub use tokens::{access_keys, access_verifier, audience, clock_leeway, issuer, key_ring};
pub(crate) use tokens::{access_secrets, verified_cache_entries};
#[cfg(feature = "feed")]
pub(crate) use tokens::{own_verifying_keys, verifier_with};

#[cfg(test)]
mod tests;
