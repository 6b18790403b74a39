//! Prints how many allocations verifying a token takes: for a new token, and for a repeated one.
//!
//! A separate program, because counting would slow down the measurement of time.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of this program")]

use std::process::ExitCode;

use allocation_counter::measure;
use bench::{access_tokens, guard};

const TOKENS: usize = 1_000;

fn main() -> ExitCode {
    match counted() {
        Ok([first, repeated]) => {
            println!("{first} {repeated}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("allocations: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Allocations per call, for new tokens and for repeated ones.
fn counted() -> Result<[f64; 2], bench::Error> {
    let tokens = access_tokens(TOKENS as u64)?;
    let guard = guard(TOKENS as u64)?;
    let mut refused = 0_usize;
    let mut count = || {
        let info = measure(|| refused += tokens.iter().filter(|token| guard.verify(token).is_err()).count());
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let each = info.count_total as f64 / TOKENS as f64;
        each
    };
    let counted = [count(), count()];
    if refused > 0 { Err("a good token was refused".into()) } else { Ok(counted) }
}
