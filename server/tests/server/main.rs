//! The guarantees of both servers about every request, tested through the public API.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bodies;
mod responses;
mod routes;
