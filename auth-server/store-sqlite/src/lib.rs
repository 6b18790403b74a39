//! The store in one SQLite file: the ports of `auth_store` as SQL, for one host and without a database server.
//!
//! It makes no decisions. A verb is one statement or one immediate transaction, and SQLite runs one of those at a time,
//! so that SQLite decides every race. `store-postgres` has the same files with the same methods in the same order;
//! comparing the two is a review of both.

mod connection;
mod distribution;
mod email_keys;
mod end_sessions;
mod error;
mod fate;
mod file;
mod prune_excess;
mod revocations;
mod rotate;
mod rows;
mod sessions;
mod store;
mod sweep;
mod users;
mod write_probe;

pub use store::SqliteStore;
