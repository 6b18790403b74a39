//! auth-server over HTTP, as a client sees it, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod account;
mod bad_input;
mod changing_password;
mod feed;
mod flooding;
mod guessing;
mod many_sessions;
mod model;
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
