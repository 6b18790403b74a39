//! The store in one SQLite file: the ports of `auth_store` as SQL, for one host and nothing to install.
//!
//! No decisions here: a verb is one statement or one immediate transaction, and SQLite lets one of those write at a
//! time, so that SQLite settles every race. `store-postgres` is the same in the same order; reading the two side by
//! side is a review of both.

mod end_sessions;
mod error;
mod file;
mod prune_excess;
mod revocations;
mod rotate;
mod rows;
mod sessions;
mod store;
mod sweep;
mod users;

pub use store::SqliteStore;
