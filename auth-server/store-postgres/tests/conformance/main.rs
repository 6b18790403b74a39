//! The suite that every store must pass: on the schema as it is migrated, and on the same tables partitioned by user, which
//! stands for a distributed database.

mod probe;

use auth_store::conformance::{Suite, run_all};

fn main() {
    run_all([Suite::new("", probe::fresh), Suite::new("partitioned::", probe::fresh_partitioned)])
}
