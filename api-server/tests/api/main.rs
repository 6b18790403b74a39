//! api-server over HTTP, as a client sees it. Tokens are minted here with the shared secret, as auth-server does.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

mod bad_photos;
mod callers;
mod configuration;
#[path = "../../../shared/tests/goptri/feed_server.rs"]
#[expect(dead_code, reason = "the library's own tests know more moves")]
mod feed_server;
mod metrics;
mod photos;
mod photos_at_once;
mod photos_folder;
mod revoked;
mod routes;
mod support;
