//! The settings that auth-server and every verifier must agree on.
//!
//! Each function reads one setting. `None` means that an error was reported to the
//! [`Settings`](goptri_settings::Settings).

#[cfg(feature = "feed")]
mod auth_server_url;
mod feed;
#[cfg(feature = "signing")]
mod signing;
mod tokens;

#[cfg(feature = "feed")]
pub use auth_server_url::auth_server;
#[cfg(feature = "feed")]
pub(crate) use feed::required_feed_secrets;
pub use feed::{feed_secrets, optional_feed_secrets, staleness};
#[cfg(feature = "signing")]
pub use signing::{access_keys, key_ring};
pub(crate) use tokens::{access_secrets, verified_cache_entries};
pub use tokens::{access_verifier, audience, clock_leeway, issuer};
#[cfg(feature = "feed")]
pub(crate) use tokens::{optional_access_secrets, verifier_with};

#[cfg(test)]
mod tests;
