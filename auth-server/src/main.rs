//! The program `auth-server`.

use std::process::ExitCode;

use goptri_server::give_memory_back_at_once;
use mimalloc::MiMalloc;

/// Faster than glibc's, and it gives memory back to the operating system after a burst of connections.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    give_memory_back_at_once();
    auth_server::cli::run()
}
