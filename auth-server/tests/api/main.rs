//! auth-server over HTTP, as a client sees it, on both engines.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

mod account;
mod background_tasks;
mod bad_input;
mod changing_password;
mod configuration;
mod cookies;
mod cross_origin;
mod email_addresses;
mod expensive_requests;
mod feed;
mod flooding;
mod guessing;
mod many_sessions;
mod metrics;
mod model;
mod oauth;
mod oauth_pages;
mod published_keys;
mod refreshing;
mod registering;
mod rehashing;
mod routes;
mod sign_out_everywhere;
mod signing_in;
mod signing_out;
mod support;
mod sweeping;
mod two_credentials;
