//! Refreshes on Citus, a coordinator and two workers on this machine (limit: one Postgres server without batching).

use scratch_pg::{CitusCluster, CitusDatabase};

use super::chains::Chains;
use super::refresh_postgres::Turns;
use crate::Error;
use crate::figures::{Findings, Row};
use crate::run::Run;
use crate::seed::{Sessions, seed};
use crate::servers::{Program, output_of};

/// Connections, and the minimum of the ratio.
const CASES: [(usize, f64); 3] = [(1, 0.33), (16, 0.33), (64, 0.33)];

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let sessions = Sessions { number: scale.sessions, ended: 0 };
    run.say(&format!("inserting {} sessions into Postgres", scale.sessions));
    let plain = postgres.with(sessions)?;
    run.say("starting Citus");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cluster = CitusCluster::start(scale.profile, 2)?;
    let citus = runtime.block_on(CitusDatabase::on(&cluster.urls()));
    let url = citus.url(0);
    output_of(Program::auth(&url).command()?.arg("migrate").stdout(std::process::Stdio::piped()))?;
    for statement in seed(sessions) {
        runtime.block_on(citus.execute(&statement));
    }
    run.say("distributing");
    output_of(
        Program::auth(&url).command()?.args(["database", "distribute"]).stdout(std::process::Stdio::piped()),
    )?;
    runtime.block_on(citus.execute("vacuum analyze"));
    let unbatched = |url: &str| Program::auth(url).with("REFRESH_BATCHING", "off");
    let limit = run.start(&unbatched(plain.url()))?;
    let chains = || Chains::new(scale.chains, scale.stride(), 0);
    let (on_citus, on_plain) = (chains()?, chains()?);
    let mut findings = Findings::default();
    for (node, (connections, min)) in [0, 1].into_iter().flat_map(|node| CASES.map(|case| (node, case))) {
        let ours = run.start(&Program::auth(&citus.url(node)))?;
        let place = if node == 0 { "coordinator" } else { "worker" };
        let what = format!("refresh, Citus, {place}, {connections} connections");
        let (mut turns, mut limits) = (Turns::default(), Turns::default());
        let connections = connections.min(scale.max_connections);
        let alternation = run.alternate(
            &what,
            || turns.refresh(&ours, None, on_citus.callers(connections), scale.turn),
            || limits.refresh(&limit, None, on_plain.callers(connections), scale.turn),
        )?;
        findings.rows.push(Row::rate(
            &what,
            alternation.ours(),
            alternation.limit(),
            alternation.ratio(),
            min,
        ));
        findings.rows.push(turns.latency(&what, None));
        findings.rows.push(
            limits.latency(&format!("refresh, one server, not batched, {connections} connections"), None),
        );
    }
    Ok(findings)
}
