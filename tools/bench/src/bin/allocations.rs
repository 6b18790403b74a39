//! How often verifying a token takes memory from the allocator: for one seen for the first time, and for one seen before.
//!
//! A program of its own, as counting takes time: where time is measured, nothing counts. Prints two numbers.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

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

/// Per call.
fn counted() -> Result<[f64; 2], bench::Failed> {
    let tokens = access_tokens(TOKENS as u64)?;
    let guard = guard(TOKENS as u64)?;
    let mut refused = 0_usize;
    let mut count = || {
        let info = measure(|| refused += tokens.iter().filter(|token| guard.check(token).is_err()).count());
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let each = info.count_total as f64 / TOKENS as f64;
        each
    };
    let counted = [count(), count()];
    if refused > 0 { Err("a good token was refused".into()) } else { Ok(counted) }
}
