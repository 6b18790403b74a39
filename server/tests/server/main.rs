//! What both servers promise about every request, tested from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bodies;
mod responses;
mod routes;
