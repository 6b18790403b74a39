//! Makes the allocator return freed memory to the operating system immediately.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// The variable of mimalloc that says after how many milliseconds freed memory goes back to the operating system.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Executes this program again with `MIMALLOC_PURGE_DELAY=0`, unless the variable is set already. Call it first in
/// `main`.
///
/// With a delay, mimalloc gives memory back only when the same thread frees more: a thread that is idle after a burst
/// of connections would keep it. mimalloc reads its options before `main`, and only from the environment. If executing
/// fails, the process continues and uses more memory.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable is for the allocator; it is not a setting of the servers"
)]
pub fn restart_with_immediate_purge() {
    if std::env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) {
        // Returns only if it fails.
        let _ = Command::new(program).arg0(name).args(arguments).env(PURGE_DELAY, "0").exec();
    }
}
