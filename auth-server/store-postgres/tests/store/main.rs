//! The tests of the store on Postgres beyond the conformance suite.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

mod batching;
mod committed;
mod connections;
mod distributing;
mod errors;
mod failover;
mod faults;
mod fixtures;
mod growth;
mod locks;
mod migrating;
mod plans;
mod pooler;
mod primary;
mod proxy;
mod rules;
mod runtimes;
mod schema;
mod statements;
