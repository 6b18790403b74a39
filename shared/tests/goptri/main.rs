//! What is promised about tokens and about services behind them, tried from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod algorithms;
mod claims;
mod compact_form;
mod duplicates;
mod forge;
mod header;
mod mutations;
mod rings;
mod silence;
mod times;

#[cfg(feature = "actix")]
mod bearer;
#[cfg(feature = "actix")]
mod challenges;
#[cfg(feature = "actix")]
mod protected;

#[cfg(feature = "server")]
mod bodies;
#[cfg(feature = "server")]
mod responses;
#[cfg(feature = "server")]
mod routes;
