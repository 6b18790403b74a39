//! `cargo bench-all [MEASURE…]`: measures both servers and the limits of this machine.

#![expect(clippy::print_stderr, reason = "a command line tool reports on stderr")]

use std::process::ExitCode;

use bench::Arguments;
use clap::Parser;

fn main() -> ExitCode {
    match bench::run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
