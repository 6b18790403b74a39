//! The program `auth-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_server::cli::run()
}
