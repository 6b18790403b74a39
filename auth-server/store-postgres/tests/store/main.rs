//! The tests of the store on Postgres: what every store promises, what this engine adds to it, and the schema.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

mod batching;
mod conformance;
mod failover;
mod faults;
mod fixtures;
mod growth;
mod locks;
mod pooler;
mod probe;
mod proxy;
mod runtimes;
mod schema;
mod statements;
