//! The guarantees of both servers about every request, tested through the public API.
#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bodies;
mod connections;
#[expect(clippy::duplicate_mod, reason = "the same tests, over TLS")]
#[path = "connections.rs"]
mod connections_over_tls;
mod cross_origin;
mod http2;
mod responses;
mod routes;
mod tls;
mod tls_fixture;
