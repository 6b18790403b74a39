//! How long freed memory is kept.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// An option of mimalloc: after how many milliseconds freed memory goes back to the operating system.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Executes this program again, with freed memory given back immediately, unless the variable is set.
///
/// With a delay, mimalloc gives memory back only when the same thread frees more: a thread that is idle after a burst
/// of connections would keep it. mimalloc reads its options before `main`, and only from the environment. If this
/// fails, the process uses more memory.
#[expect(clippy::disallowed_methods, reason = "the variable is for the allocator, and no setting")]
pub fn give_memory_back_at_once() {
    if std::env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) {
        // Returns only if it fails.
        let _ = Command::new(program).arg0(name).args(arguments).env(PURGE_DELAY, "0").exec();
    }
}
