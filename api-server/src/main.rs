//! The program `api-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    api_server::cli::run()
}
