//! A temporary Postgres for tests and benches. It needs only the installed server programs: no service, no port, no
//! password, and no clean-up.
//!
//! [`ScratchPg`] is a server that ends with its owner, however that ends. [`Database`] is an empty database for one test,
//! on a server that many tests share. [`PgBouncer`] is a pooler in front of a server. [`CitusCluster`] is several
//! servers with Citus.

mod citus;
mod database;
mod pgbouncer;
mod programs;
mod server;
mod statements;

pub use citus::{CitusCluster, CitusDatabase, TEST_CITUS_URLS, named_cluster};
pub use database::{Database, TEST_DATABASE_URL, named_server};
pub use pgbouncer::{PgBouncer, PoolMode};
pub use programs::program;
pub use server::{Profile, ScratchPg};
pub use statements::statements_between;

/// A unique name for a server or a database.
#[expect(clippy::disallowed_methods, reason = "nothing depends on the value")]
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
