//! The store on Postgres: the ports of `auth_store` as SQL, for any number of servers on one database.
//!
//! No decisions here: a verb is one statement wherever the answer is settled by a race, so that Postgres settles it,
//! and a statement that nobody waits for any more has happened entirely or not at all. `store-sqlite` is the same in
//! the same order; reading the two side by side is a review of both.

mod end_sessions;
mod error;
mod prune_excess;
mod revocations;
mod rotate;
mod rows;
mod runtime;
mod sessions;
mod store;
mod sweep;
mod users;

pub use store::PostgresStore;
