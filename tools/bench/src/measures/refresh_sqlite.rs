//! Refreshes on SQLite (limit: one writer with the one update that a refresh needs).

use super::chains::Chains;
use super::refresh_postgres::Turns;
use crate::Error;
use crate::figures::{Findings, Row};
use crate::run::Run;
use crate::seed::SqliteFile;
use crate::servers::Program;

/// Connections, and the minimum of the ratio, if any.
const CASES: [(usize, Option<f64>); 2] = [(16, None), (64, Some(1.5))];

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let scale = run.scale;
    run.say(&format!("inserting {} sessions into a SQLite file", scale.sessions));
    let mut file = SqliteFile::with(scale.sessions, run.folder())?;
    let auth = run.start(&Program::auth(&file.url()))?;
    let chains = Chains::new(scale.chains, scale.stride(), 0)?;
    let (mut findings, mut refreshed) = (Findings::default(), 0);
    for (connections, min) in CASES {
        let what = format!("refresh, SQLite, {connections} connections");
        let mut turns = Turns::default();
        let connections = connections.min(scale.max_connections);
        let alternation = run.alternate(
            &what,
            || turns.refresh(&auth, None, chains.callers(connections), scale.turn),
            || file.updates(scale.sessions, scale.stride(), scale.turn),
        )?;
        refreshed += turns.refreshed;
        let row = match min {
            Some(min) => Row::rate(&what, alternation.ours(), alternation.limit(), alternation.ratio(), min),
            None => Row::info_rate(&what, alternation.ours(), alternation.limit(), alternation.ratio()),
        };
        findings.rows.push(row);
        findings.rows.push(turns.latency(&what, None));
        findings.notes.push(turns.cpu_times(&what));
    }
    let updated = file.updated();
    let counted = file.number("select sum(generation) from sessions")?;
    if counted != refreshed + updated {
        return Err(format!(
            "{refreshed} refreshes and {updated} updates succeeded, but the table counts {counted}"
        )
        .into());
    }
    Ok(findings)
}
