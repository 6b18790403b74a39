//! The guarantees of `goptri` about tokens and about services that verify them, tested through its public API.
#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod algorithms;
mod cached_tokens;
mod captured_log;
mod claims;
mod compact_form;
mod duplicate_members;
mod ecdsa_malleability;
mod guard_builder;
mod jose_header;
mod jwks_keys;
mod jwks_rejected;
mod key_confusion;
mod key_pairs;
mod key_rings;
mod mutated_tokens;
mod partial_secret_files;
mod private_key_files;
mod redaction;
mod revocation_set;
mod secret_files;
mod suspended;
mod test_keys;
mod text_files;
mod validity_period;

#[cfg(feature = "actix")]
mod bearer_auth;
#[cfg(feature = "actix")]
mod challenges;
#[cfg(feature = "actix")]
mod protected_app;
#[cfg(feature = "actix")]
mod session_cookies;
mod stale_revocations;

#[cfg(all(feature = "actix", feature = "tower"))]
mod tower_app;
#[cfg(all(feature = "actix", feature = "tower"))]
mod tower_axum;
#[cfg(all(feature = "actix", feature = "tower"))]
mod tower_tonic;

#[cfg(feature = "feed")]
mod feed_age;
#[cfg(feature = "feed")]
mod feed_errors;
#[cfg(feature = "feed")]
mod feed_example;
#[cfg(feature = "feed")]
mod feed_fixture;
#[cfg(feature = "feed")]
mod feed_follower;
#[cfg(feature = "feed")]
mod feed_secret_files;
#[cfg(feature = "feed")]
mod feed_tls;
#[cfg(feature = "feed")]
mod jwks_fetch_errors;
#[cfg(feature = "feed")]
mod jwks_fixture;
#[cfg(feature = "feed")]
mod jwks_guard;
#[cfg(feature = "feed")]
mod jwks_refresh;
