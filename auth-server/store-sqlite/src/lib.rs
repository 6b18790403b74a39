//! The store in one SQLite file: the ports of `auth_store` as SQL, for one host and nothing to install.
//!
//! No decisions here: a verb is one statement or one immediate transaction, and SQLite lets one of those write at a
//! time, so that SQLite settles every race. `store-postgres` is the same in the same order; reading the two side by
//! side is a review of both.

mod ending;
mod failure;
mod file;
mod revocations;
mod rotating;
mod rows;
mod sessions;
mod store;
mod surplus;
mod sweeping;
mod users;

pub use store::SqliteStore;
