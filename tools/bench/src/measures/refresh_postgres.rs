//! Refreshing on Postgres, beside pgbench with the one update that a refresh cannot do without.

use std::time::Duration;

use super::chains::{Chains, Refreshing, answered};
use crate::Failed;
use crate::driver::Load;
use crate::figures::{Findings, Row, median, millis, number};
use crate::processes::own_core_time;
use crate::servers::{Server, Setting};
use crate::stage::{Postgres, Sessions, Stage, one_row_update};

/// Connections, the least ratio to aim at, and the most milliseconds that one in a hundred may exceed.
const CASES: [(usize, f64, Option<f64>); 3] = [(16, 0.6, Some(5.0)), (64, 1.3, Some(10.0)), (256, 1.6, None)];

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let (postgres, scale) = (stage.postgres()?, stage.scale);
    stage.say(&format!("putting {} sessions into Postgres", scale.sessions));
    let database = postgres.with(Sessions { number: scale.sessions, ended: 0 })?;
    let auth = stage.start(&Setting::auth(database.url()))?;
    let chains = Chains::new(scale.chains, scale.stride(), 0)?;
    let update = one_row_update(&scale);
    let (mut findings, mut refreshed) = (Findings::default(), 0);
    for (connections, least, most_millis) in CASES {
        let what = format!("refresh, Postgres, {connections} connections");
        let (mut turns, mut updates) = (Turns::default(), Updates::default());
        let connections = connections.min(scale.most_at_once);
        let alternation = stage.alternate(
            &what,
            || turns.refresh(&auth, Some(postgres), chains.callers(connections), scale.turn),
            || updates.run(postgres, || postgres.pgbench(&database, &update, scale.turn), scale.turn),
        )?;
        refreshed += turns.refreshed;
        let ratio = alternation.ratio();
        findings.rows.push(Row::rate(&what, alternation.ours(), alternation.limit(), ratio, least));
        findings.rows.push(turns.latency(&what, most_millis));
        findings.rows.push(Row::told(
            &format!("memory, auth-server, {what}"),
            format!("{} MiB", number(auth.resident_mib())),
        ));
        findings.notes.push(format!(
            "{}. An update by pgbench took {} µs of Postgres",
            turns.where_time_went(&what),
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
        return Err(format!("{refreshed} refreshes were answered, and the table counts {counted}").into());
    }
    Ok(findings)
}

/// What the turns of the limit gave.
#[derive(Default)]
struct Updates {
    database: Duration,
    number: f64,
}

impl Updates {
    fn run(
        &mut self,
        postgres: &Postgres,
        pgbench: impl FnOnce() -> Result<f64, Failed>,
        lasting: Duration,
    ) -> Result<f64, Failed> {
        let before = postgres.core_time();
        let rate = pgbench()?;
        self.database += postgres.core_time().saturating_sub(before);
        self.number += rate * lasting.as_secs_f64().max(1.0);
        Ok(rate)
    }
}

/// What the turns of one case gave.
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
    /// One turn: how many were answered a second.
    pub(super) fn refresh(
        &mut self,
        auth: &Server,
        postgres: Option<&Postgres>,
        callers: Vec<Refreshing>,
        lasting: Duration,
    ) -> Result<f64, Failed> {
        let database = || postgres.map_or(Duration::ZERO, Postgres::core_time);
        let before = (auth.core_time(), database(), own_core_time());
        let load = Load { server: auth.address(), callers, lasting, pace: None };
        let measured = load.run().map_err(|error| format!("{error}\n{}", auth.last_lines()))?;
        self.server += auth.core_time().saturating_sub(before.0);
        self.database += database().saturating_sub(before.1);
        self.bench += own_core_time().saturating_sub(before.2);
        self.refreshed += answered(&measured.callers);
        let (p50, p99) = measured.latencies.p50_and_p99();
        self.p50.push(millis(p50));
        self.p99.push(millis(p99));
        Ok(measured.rate())
    }

    pub(super) fn latency(&self, what: &str, most_millis: Option<f64>) -> Row {
        Row::latency(what, median(&self.p50), median(&self.p99), most_millis)
    }

    pub(super) fn where_time_went(&self, what: &str) -> String {
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let micros = |spent: Duration| number(spent.as_secs_f64() * 1e6 / self.refreshed as f64);
        let database = match self.database {
            Duration::ZERO => String::new(),
            spent => format!(", {} µs of Postgres", micros(spent)),
        };
        format!(
            "{what}: a refresh took {} µs of a core of auth-server{database}, and {} µs of the bench itself",
            micros(self.server),
            micros(self.bench),
        )
    }
}
