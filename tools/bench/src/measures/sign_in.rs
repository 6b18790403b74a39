//! Sign-ins (limit: what all cores can hash if they do nothing else).

use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use auth_domain::HashingCost;

use super::users::{Overload, Users};
use crate::Error;
use crate::driver::{Latencies, Load};
use crate::figures::{Findings, Row, median, millis, number};
use crate::processes::cores;
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::Program;

/// The memory of the server, without the memory for hashing.
const MAX_MIB: f64 = 30.0;

const CALLERS_PER_CORE: usize = 4;

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let database = postgres.with(Sessions { number: 0, ended: 0 })?;
    let auth = run.start(&Program::auth(database.url()))?;
    let users = Users::register(scale.accounts, &auth, postgres, &database)?;
    let callers = (cores() * CALLERS_PER_CORE).min(scale.max_connections);
    let mut latencies = Latencies::new();
    let mut in_parallel = Vec::new();
    let alternation = run.alternate(
        "sign-in",
        || {
            let callers = users.callers(callers, Overload::Forbidden);
            let load = Load { server: auth.address(), callers, duration: scale.turn, rate: None };
            let measured = load.run().map_err(|error| format!("{error}\n{}", auth.last_lines()))?;
            let rate = measured.rate();
            latencies.append(&measured.latencies);
            Ok(rate)
        },
        || {
            in_parallel.push(hashes_per_second_in_parallel(scale.hashes)?);
            hashes_per_second(scale.hashes)
        },
    )?;
    let (ours, limit, ratio) = (alternation.ours(), alternation.limit(), alternation.ratio());
    let max = MAX_MIB + hashing_mib();
    let (p50, p99) = latencies.p50_and_p99();
    Ok(Findings {
        rows: vec![
            Row::rate("sign-in (limit: cores ÷ one Argon2id)", ours, limit, ratio, 0.95),
            Row::at_most("memory, auth-server under sign-ins", auth.resident_mib(), max, "MiB"),
        ],
        notes: vec![format!(
            "sign-in: {callers} concurrent, p50 {} ms, p99 {} ms. All cores in parallel hash {} passwords/s",
            number(millis(p50)),
            number(millis(p99)),
            number(median(&in_parallel)),
        )],
    })
}

/// The memory that auth-server hashes in: one buffer per core.
fn hashing_mib() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let cores = cores() as f64;
    cores * f64::from(HashingCost::CURRENT.memory_kib()) / 1024.0
}

/// The rate if no core slowed another.
fn hashes_per_second(hashes: u32) -> Result<f64, Error> {
    let took = time_of_hashes(hashes)?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let cores = cores() as f64;
    Ok(cores * f64::from(hashes) / took.as_secs_f64())
}

/// The rate of all cores at the same time, which share memory bandwidth.
fn hashes_per_second_in_parallel(hashes: u32) -> Result<f64, Error> {
    let all: Result<Vec<Duration>, Error> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores())
            .map(|_| scope.spawn(|| time_of_hashes(hashes).map_err(|error| error.to_string())))
            .collect();
        threads
            .into_iter()
            .map(|thread| Ok(thread.join().map_err(|_| "a thread that hashes panicked")??))
            .collect()
    });
    Ok(all?.iter().map(|took| f64::from(hashes) / took.as_secs_f64()).sum())
}

fn time_of_hashes(hashes: u32) -> Result<Duration, Error> {
    let cost = HashingCost::CURRENT;
    let describe = |error: argon2::Error| Error::from(error.to_string());
    let params = Params::new(cost.memory_kib(), cost.passes(), 1, Some(32)).map_err(describe)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = vec![Block::new(); usize::try_from(cost.memory_kib())?];
    let mut out = [0; 32];
    let mut hash =
        || argon2.hash_password_into_with_memory(b"correct horse", &[7; 16], &mut out, &mut memory);
    // The first hash faults the memory in, which a running server has done.
    hash().map_err(describe)?;
    let begun = Instant::now();
    for _ in 0..hashes {
        hash().map_err(describe)?;
    }
    Ok(begun.elapsed())
}
