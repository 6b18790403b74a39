//! The suite that every store must pass: on the schema as it is migrated, on the same tables partitioned by user, which
//! stands for a distributed database, and on Citus if there is a cluster. The feed also with the cursor by time.

mod probe;

use auth_store::conformance::{Suite, run_all};
use scratch_pg::named_cluster;

fn main() {
    if named_cluster().is_some() {
        run_all([Suite::new("citus::", probe::fresh_on_citus)])
    }
    run_all([
        Suite::new("", probe::fresh),
        Suite::new("partitioned::", probe::fresh_partitioned),
        Suite::new("by_time::", probe::fresh_by_time).only("feed"),
    ])
}
