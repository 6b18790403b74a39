//! A throw-away Postgres, so that a test or a bench needs nothing but the server programs on the disk: no
//! service to start, no port to pick, no password, and nothing to clean up.
//!
//! [`ScratchPg`] is one server, gone with its owner however that one ends. [`Database`] is one empty database
//! for one test, on a server that many tests share.

mod database;
mod programs;
mod server;
mod statements;

pub use database::{Database, TEST_DATABASE_URL, named_server};
pub use programs::program;
pub use server::{Profile, ScratchPg};
pub use statements::statements_between;

/// Letters and digits that no other server or database bears.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing depends on the value; the ban is for the flows of the servers"
)]
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
