//! The tests of the store on Postgres beyond the conformance suite.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

mod batching;
mod connections;
mod errors;
mod failover;
mod faults;
mod fixtures;
mod growth;
mod locks;
mod pooler;
mod proxy;
mod runtimes;
mod schema;
mod statements;
