//! The store on Postgres: the ports of `auth_store` as SQL, for any number of servers on one database.
//!
//! It makes no decisions. Where a race decides, a verb is one statement, so that Postgres decides, and a cancelled verb
//! has happened entirely or not at all. `store-sqlite` has the same files with the same methods in the same order;
//! comparing the two is a review of both.

mod clock;
mod connection;
mod email_keys;
mod end_sessions;
mod error;
mod fate;
mod migrations;
mod parameters;
mod prune_excess;
mod revocations;
mod rotate;
mod rows;
mod runtime;
mod server_check;
mod sessions;
mod store;
mod sweep;
mod url;
mod users;
mod write_probe;

pub use store::PostgresStore;
pub use url::InvalidUrl;
