//! Signing in, beside what all cores could hash if they did nothing else.

use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use auth_domain::HashingCost;

use super::people::{Accounts, Patience};
use crate::Failed;
use crate::driver::Load;
use crate::figures::{Findings, Row, median, millis, number};
use crate::processes::cores;
use crate::servers::Setting;
use crate::stage::{Sessions, Stage};

/// Of the server, apart from what it hashes on.
const MOST_MIB: f64 = 30.0;

/// So many times as many as there are cores.
const CALLERS_A_CORE: usize = 4;

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let (postgres, scale) = (stage.postgres()?, stage.scale);
    let database = postgres.with(Sessions { number: 0, ended: 0 })?;
    let auth = stage.start(&Setting::auth(database.url()))?;
    let accounts = Accounts::register(scale.accounts, &auth, postgres, &database)?;
    let callers = (cores() * CALLERS_A_CORE).min(scale.most_at_once);
    let mut latencies = crate::driver::Latencies::default();
    let mut together = Vec::new();
    let alternation = stage.alternate(
        "sign-in",
        || {
            let callers = accounts.callers(callers, Patience::None);
            let load = Load { server: auth.address(), callers, lasting: scale.turn, pace: None };
            let measured = load.run().map_err(|error| format!("{error}\n{}", auth.last_lines()))?;
            let rate = measured.rate();
            latencies.append(measured.latencies);
            Ok(rate)
        },
        || {
            together.push(hashes_a_second_together(scale.hashes)?);
            hashes_a_second(scale.hashes)
        },
    )?;
    let (ours, limit, ratio) = (alternation.ours(), alternation.limit(), alternation.ratio());
    let most = MOST_MIB + hashing_mib();
    let (p50, p99) = latencies.p50_and_p99();
    Ok(Findings {
        rows: vec![
            Row::rate("sign-in (limit: cores ÷ one Argon2id)", ours, limit, ratio, 0.95),
            Row::at_most("memory, auth-server under sign-ins", auth.resident_mib(), most, "MiB"),
        ],
        notes: vec![format!(
            "sign-in: {callers} at a time, p50 {} ms, p99 {} ms. All cores together, doing nothing else, hash {} a second",
            number(millis(p50)),
            number(millis(p99)),
            number(median(&together)),
        )],
    })
}

/// What a server's threads that hash have, one a core.
pub(super) fn hashing_mib() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are not so many cores")]
    let cores = cores() as f64;
    cores * f64::from(HashingCost::CURRENT.memory_kib()) / 1024.0
}

/// If each core did nothing else, and none slowed another.
fn hashes_a_second(hashes: u32) -> Result<f64, Failed> {
    let took = time_of_hashes(hashes)?;
    #[expect(clippy::cast_precision_loss, reason = "there are not so many cores")]
    let cores = cores() as f64;
    Ok(cores * f64::from(hashes) / took.as_secs_f64())
}

/// When all cores do nothing else, and share what they share: memory, and perhaps each other's units.
fn hashes_a_second_together(hashes: u32) -> Result<f64, Failed> {
    let all: Result<Vec<Duration>, Failed> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores())
            .map(|_| scope.spawn(|| time_of_hashes(hashes).map_err(|error| error.to_string())))
            .collect();
        threads
            .into_iter()
            .map(|thread| Ok(thread.join().map_err(|_| "a thread that hashed is gone")??))
            .collect()
    });
    Ok(all?.iter().map(|took| f64::from(hashes) / took.as_secs_f64()).sum())
}

fn time_of_hashes(hashes: u32) -> Result<Duration, Failed> {
    let cost = HashingCost::CURRENT;
    let in_words = |error: argon2::Error| Failed::from(error.to_string());
    let params = Params::new(cost.memory_kib(), cost.passes(), 1, Some(32)).map_err(in_words)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = vec![Block::new(); usize::try_from(cost.memory_kib())?];
    let mut out = [0; 32];
    let mut hash =
        || argon2.hash_password_into_with_memory(b"correct horse", &[7; 16], &mut out, &mut memory);
    // The first one touches the memory for the first time, which a server's did long ago.
    hash().map_err(in_words)?;
    let begun = Instant::now();
    for _ in 0..hashes {
        hash().map_err(in_words)?;
    }
    Ok(begun.elapsed())
}
