//! The tests of the store on Postgres: what every store promises, what this engine adds to it, and the schema.

mod backstage;
mod conformance;
mod growth;
mod lives;
mod people;
mod pooler;
mod proxy;
mod runtimes;
mod schema;
mod statements;
mod together;
mod trouble;
mod waiting;
