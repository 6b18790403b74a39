//! The settings that auth-server and verifiers have in common, and those with which a verifier follows auth-server.
//!
//! Each function reads the variables that it names. `None` means that an error was reported to the
//! [`Settings`](goptri_settings::Settings).

#[cfg(feature = "feed")]
mod auth_server_url;
mod cookies;
mod feed;
#[cfg(feature = "signing")]
mod signing;
mod tokens;

#[cfg(feature = "feed")]
pub use auth_server_url::auth_server;
#[cfg(feature = "feed")]
pub(crate) use auth_server_url::check_auth_server_url;
pub use cookies::{cors_origins, session_cookie};
#[cfg(feature = "feed")]
pub(crate) use feed::required_feed_secrets;
pub use feed::{feed_secrets, optional_feed_secrets, staleness};
#[cfg(feature = "signing")]
pub use signing::{access_keys, key_ring};
pub(crate) use tokens::{
    ACCESS_TOKEN_SECRET, MAX_CACHE_ENTRIES, MAX_CLOCK_LEEWAY, access_secrets, check_audience,
    optional_access_secrets, parse_base_url, verified_cache_entries,
};
pub use tokens::{audience, clock_leeway, issuer};

#[cfg(test)]
mod tests;
