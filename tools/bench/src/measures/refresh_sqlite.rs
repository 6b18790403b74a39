//! Refreshing on SQLite, beside one writer with the one update that a refresh cannot do without.

use super::chains::Chains;
use super::refresh_postgres::Turns;
use crate::Failed;
use crate::figures::{Findings, Row};
use crate::servers::Setting;
use crate::stage::{SqliteFile, Stage};

/// Connections, and the least ratio to aim at, if there is one.
const CASES: [(usize, Option<f64>); 2] = [(16, None), (64, Some(1.5))];

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let scale = stage.scale;
    stage.say(&format!("putting {} sessions into a SQLite file", scale.sessions));
    let mut file = SqliteFile::with(scale.sessions, stage.folder())?;
    let auth = stage.start(&Setting::auth(&file.url()))?;
    let chains = Chains::new(scale.chains, scale.stride(), 0)?;
    let (mut findings, mut refreshed) = (Findings::default(), 0);
    for (connections, least) in CASES {
        let what = format!("refresh, SQLite, {connections} connections");
        let mut turns = Turns::default();
        let connections = connections.min(scale.most_at_once);
        let alternation = stage.alternate(
            &what,
            || turns.refresh(&auth, None, chains.callers(connections), scale.turn),
            || file.updates(scale.sessions, scale.stride(), scale.turn),
        )?;
        refreshed += turns.refreshed;
        let row = match least {
            Some(least) => {
                Row::rate(&what, alternation.ours(), alternation.limit(), alternation.ratio(), least)
            }
            None => Row::told_rate(&what, alternation.ours(), alternation.limit(), alternation.ratio()),
        };
        findings.rows.push(row);
        findings.rows.push(turns.latency(&what, None));
        findings.notes.push(turns.where_time_went(&what));
    }
    let updated = file.updated();
    let counted = file.number("select sum(generation) from sessions")?;
    if counted != refreshed + updated {
        return Err(format!(
            "{refreshed} refreshes and {updated} updates were made, and the table counts {counted}"
        )
        .into());
    }
    Ok(findings)
}
