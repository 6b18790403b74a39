//! auth-server over HTTP, as a client sees it, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod bad_input;
mod model;
mod refreshing;
mod registering;
mod routes;
mod signing_in;
mod signing_out;
mod support;
