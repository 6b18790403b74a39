//! Refreshes on Postgres (limit: pgbench with the one update that a refresh needs).

use std::time::Duration;

use super::chains::{Chains, Refreshing, refreshed};
use crate::Error;
use crate::driver::Load;
use crate::figures::{Findings, Row, median, millis, number};
use crate::processes::own_core_time;
use crate::run::Run;
use crate::seed::{Postgres, Sessions, one_row_update};
use crate::servers::{Program, Server};

/// Connections, the minimum of the ratio, and the maximum of the p99 in milliseconds.
const CASES: [(usize, f64, Option<f64>); 3] = [(16, 0.6, Some(5.0)), (64, 1.3, Some(10.0)), (256, 1.6, None)];

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    run.say(&format!("inserting {} sessions into Postgres", scale.sessions));
    let database = postgres.with(Sessions { number: scale.sessions, ended: 0 })?;
    let auth = run.start(&Program::auth(database.url()))?;
    let chains = Chains::new(scale.chains, scale.stride(), 0)?;
    let update = one_row_update(&scale);
    let (mut findings, mut refreshed) = (Findings::default(), 0);
    for (connections, min, max_millis) in CASES {
        let what = format!("refresh, Postgres, {connections} connections");
        let (mut turns, mut updates) = (Turns::default(), Updates::default());
        let connections = connections.min(scale.max_connections);
        let alternation = run.alternate(
            &what,
            || turns.refresh(&auth, Some(postgres), chains.callers(connections), scale.turn),
            || updates.run(postgres, || postgres.pgbench(&database, &update, scale.turn), scale.turn),
        )?;
        refreshed += turns.refreshed;
        let ratio = alternation.ratio();
        findings.rows.push(Row::rate(&what, alternation.ours(), alternation.limit(), ratio, min));
        findings.rows.push(turns.latency(&what, max_millis));
        findings.rows.push(Row::info(
            &format!("memory, auth-server, {what}"),
            format!("{} MiB", number(auth.resident_mib())),
        ));
        findings.notes.push(format!(
            "{}. An update by pgbench took {} µs of CPU time of Postgres",
            turns.cpu_times(&what),
            number(updates.database.as_secs_f64() * 1e6 / updates.number),
        ));
    }
    let counted = postgres.number(
        &database,
        &format!(
            "select sum(generation)::bigint from sessions
             where ('x' || right(id::text, 12))::bit(48)::bigint % {} = 0",
            scale.stride()
        ),
    );
    if counted != refreshed {
        return Err(format!("{refreshed} refreshes succeeded, but the table counts {counted}").into());
    }
    Ok(findings)
}

/// The results of the turns of the limit.
#[derive(Default)]
struct Updates {
    database: Duration,
    number: f64,
}

impl Updates {
    fn run(
        &mut self,
        postgres: &Postgres,
        pgbench: impl FnOnce() -> Result<f64, Error>,
        duration: Duration,
    ) -> Result<f64, Error> {
        let before = postgres.core_time();
        let rate = pgbench()?;
        self.database += postgres.core_time().saturating_sub(before);
        self.number += rate * duration.as_secs_f64().max(1.0);
        Ok(rate)
    }
}

/// The results of the turns of one case.
#[derive(Default)]
pub(super) struct Turns {
    p50: Vec<f64>,
    p99: Vec<f64>,
    pub(super) refreshed: i64,
    server: Duration,
    database: Duration,
    bench: Duration,
}

impl Turns {
    /// One turn. Returns refreshes per second.
    pub(super) fn refresh(
        &mut self,
        auth: &Server,
        postgres: Option<&Postgres>,
        callers: Vec<Refreshing>,
        duration: Duration,
    ) -> Result<f64, Error> {
        let database = || postgres.map_or(Duration::ZERO, Postgres::core_time);
        let before = (auth.core_time(), database(), own_core_time());
        let load = Load { server: auth.address(), callers, duration, rate: None };
        let measured = load.run().map_err(|error| format!("{error}\n{}", auth.last_lines()))?;
        self.server += auth.core_time().saturating_sub(before.0);
        self.database += database().saturating_sub(before.1);
        self.bench += own_core_time().saturating_sub(before.2);
        self.refreshed += refreshed(&measured.callers);
        let (p50, p99) = measured.latencies.p50_and_p99();
        self.p50.push(millis(p50));
        self.p99.push(millis(p99));
        Ok(measured.rate())
    }

    pub(super) fn latency(&self, what: &str, max_millis: Option<f64>) -> Row {
        Row::latency(what, median(&self.p50), median(&self.p99), max_millis)
    }

    pub(super) fn cpu_times(&self, what: &str) -> String {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let micros = |spent: Duration| number(spent.as_secs_f64() * 1e6 / self.refreshed as f64);
        let database = match self.database {
            Duration::ZERO => String::new(),
            spent => format!(", {} µs of Postgres", micros(spent)),
        };
        format!(
            "{what}: a refresh took {} µs of CPU time of auth-server{database}, and {} µs of the bench",
            micros(self.server),
            micros(self.bench),
        )
    }
}
