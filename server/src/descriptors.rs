//! The limit on descriptors: open files and connections. Many systems start a process with a soft limit of 1,024, for
//! programs that use `select`, and permit far more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit on descriptors to the hard one, and logs the result. `None` in the log means no limit.
pub fn raise_descriptor_limit() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            tracing::info!(
                before = before.current,
                "this process may open {} descriptors",
                shown(before.maximum)
            );
        }
        // macOS reports no hard limit, and does not accept one.
        Err(error) => {
            let descriptors = shown(before.current);
            tracing::warn!(%error, "this process may open only {descriptors} descriptors; the limit cannot be raised");
        }
    }
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string())
}
