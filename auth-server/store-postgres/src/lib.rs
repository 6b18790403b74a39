//! The store on Postgres: the ports of `auth_store` as SQL, for any number of servers on one database.
//!
//! It makes no decisions. A verb is one statement or one short transaction, so that Postgres decides races, and a
//! cancelled verb has happened entirely or not at all. The statements are those of a database that is distributed by user
//! as well: each mention of a user's table has the user as a constant, and no statement writes to two tables.
//!
//! `store-sqlite` has the same files with the same methods in the same order; comparing the two is a review of both.

mod apply;
mod change_user;
mod citus_check;
mod client_rows;
mod clients;
mod clock;
mod codes;
mod connection;
mod distribute;
mod email_keys;
mod end_sessions;
mod entry_key;
mod error;
mod exact_cursor;
mod fate;
mod feed_by_time;
mod find_users;
mod grants;
mod hosts;
mod layout;
mod migrations;
mod nodes;
mod open_application;
mod open_session;
mod parameters;
mod placement;
mod primary;
mod probe;
mod prune_excess;
mod pushed;
mod read_feed;
mod remove_client;
mod revocation_rows;
mod revocations;
mod rotate;
mod rows;
mod runtime;
mod scopes;
mod server_check;
mod servers;
mod session_rows;
mod sessions;
mod sign_ins;
mod spend_code;
mod statements;
mod store;
mod sweep;
mod sweep_requests;
mod time_cursor;
mod touch;
mod transactions;
mod url;
mod user_rows;
mod users;
mod watch;
mod write_probe;

pub use store::PostgresStore;
pub use url::InvalidUrl;
