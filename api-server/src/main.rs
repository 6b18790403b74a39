//! The program `api-server`.

use std::process::ExitCode;

use goptri_server::restart_with_immediate_purge;
use mimalloc::MiMalloc;

/// Faster than glibc's, and it gives memory back to the operating system after a burst of connections.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    restart_with_immediate_purge();
    api_server::cli::run()
}
