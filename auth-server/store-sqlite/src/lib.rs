//! The store in one SQLite file: the ports of `auth_store` as SQL, for one host and without a database server.
//!
//! It makes no decisions. A verb is one statement or one immediate transaction, and SQLite runs one of those at a time,
//! so that SQLite decides every race. `store-postgres` has the same files with the same methods in the same order;
//! comparing the two is a review of both.

mod change_user;
mod client_rows;
mod clients;
mod codes;
mod connection;
mod distribute;
mod email_keys;
mod end_sessions;
mod error;
mod fate;
mod file;
mod find_users;
mod grants;
mod open_application;
mod open_session;
mod prune_excess;
mod pushed;
mod remove_client;
mod revocation_rows;
mod revocations;
mod rotate;
mod rows;
mod scopes;
mod session_rows;
mod sessions;
mod sign_ins;
mod spend_code;
mod store;
mod sweep;
mod sweep_requests;
mod touch;
mod user_rows;
mod users;
mod write_probe;

pub use store::SqliteStore;
