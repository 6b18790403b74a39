//! The settings that auth-server and every verifier must agree on.
//!
//! Each function reads one setting. `None` means that an error was reported to the
//! [`Settings`](goptri_settings::Settings).

#[cfg(feature = "feed")]
mod auth_server_url;
mod feed;
mod tokens;

#[cfg(feature = "feed")]
pub use auth_server_url::auth_server;
#[cfg(feature = "feed")]
pub(crate) use feed::required_feed_secrets;
pub use feed::{feed_secrets, optional_feed_secrets, staleness};
pub use tokens::{access_keys, access_verifier, audience, clock_leeway, issuer, key_ring};
pub(crate) use tokens::{access_secrets, verified_cache_entries};
#[cfg(feature = "feed")]
pub(crate) use tokens::{own_verifying_keys, verifier_with};

#[cfg(test)]
mod tests;
