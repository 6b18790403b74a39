//! Verifying a token in process (limit: one HMAC by aws-lc over the same bytes).

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use aws_lc_rs::hmac;

use crate::figures::{Findings, Row, number};
use crate::run::{Alternation, Run};
use crate::servers::{output_of, program};
use crate::tokens::{ACCESS_TOKEN_SECRET, access_tokens, guard};
use crate::{Error, figures::median};

/// Repeated tokens, and how often each is repeated.
const REPEATED: usize = 1_000;
const TIMES: usize = 20;

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let tokens = access_tokens(run.scale.tokens)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, ACCESS_TOKEN_SECRET.as_bytes());
    let mut repeated = Vec::new();
    let first = run.alternate(
        "ns to verify a new token",
        || {
            // A new guard, with an empty cache.
            let guard = guard(run.scale.ended)?;
            let check = |token: &String| guard.verify(token).map(drop).map_err(|error| error.to_string());
            let first = nanos_each(&tokens, 1, check)?;
            let again = &tokens[..REPEATED.min(tokens.len())];
            nanos_each(again, 1, check)?;
            repeated.push(nanos_each(again, TIMES, check)?);
            Ok(first)
        },
        || {
            nanos_each(&tokens, 1, |token| {
                let signed = token.rsplit_once('.').map_or(token.as_str(), |(signed, _)| signed);
                black_box(hmac::sign(&key, signed.as_bytes()));
                Ok(())
            })
        },
    )?;
    let output = output_of(&mut Command::new(program("allocations")?))?;
    let mut allocations = output.split_whitespace().filter_map(|number| number.parse::<f64>().ok());
    let (Some(at_first), Some(later)) = (allocations.next(), allocations.next()) else {
        return Err(format!("no numbers of allocations: {output}").into());
    };
    Ok(Findings { rows: rows(&first, median(&repeated), at_first, later), notes: Vec::new() })
}

fn rows(first: &Alternation, repeated: f64, allocations_at_first: f64, allocations_later: f64) -> Vec<Row> {
    let limit = format!("{} ns", number(first.limit()));
    let ours = format!("{} ns", number(first.ours()));
    vec![
        Row::info("verification, new token (HS256; limit: one HMAC-SHA256)", ours)
            .with_limit(limit, first.ratio())
            .ratio_at_most(first.ratio(), 4.5),
        Row::at_most("verification, repeated", repeated, 200.0, "ns"),
        Row::info("verification, new token: allocations", number(allocations_at_first)),
        Row::at_most("verification, repeated: allocations", allocations_later, 0.0, "a call"),
    ]
}

fn nanos_each(
    tokens: &[String],
    times: usize,
    mut check: impl FnMut(&String) -> Result<(), String>,
) -> Result<f64, Error> {
    let begun = Instant::now();
    for _ in 0..times {
        for token in tokens {
            check(token)?;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let number = (tokens.len() * times) as f64;
    Ok(begun.elapsed().as_secs_f64() * 1e9 / number)
}
