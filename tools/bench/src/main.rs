//! `cargo bench-all [MEASURE…]`: how fast both servers are on this machine, beside what the machine could do at best.

#![expect(clippy::print_stderr, reason = "a command line tool speaks to people")]

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
