//! From the start of a process to its first 200.

use std::time::Instant;

use crate::Failed;
use crate::figures::{Findings, Row, median, millis};
use crate::servers::{Server, Setting};
use crate::stage::{Sessions, Stage};

/// Of auth-server on a database that is migrated, and of api-server once there is a feed to follow.
const MOST_OF_AUTH_MILLIS: f64 = 150.0;
const MOST_OF_API_MILLIS: f64 = 50.0;

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let database = stage.postgres()?.with(Sessions { number: 0, ended: 0 })?;
    let setting = Setting::auth(database.url());
    let auth = starts(stage, &setting)?;
    let followed = stage.start(&setting)?;
    let api = starts(stage, &stage.api(&followed))?;
    let mut rows = Vec::new();
    for (name, [healthy, ready], most) in
        [("auth-server", auth, MOST_OF_AUTH_MILLIS), ("api-server", api, MOST_OF_API_MILLIS)]
    {
        rows.push(Row::at_most(&format!("start of {name} to /healthz"), healthy, most, "ms"));
        rows.push(Row::at_most(&format!("start of {name} to /readyz"), ready, most, "ms"));
    }
    Ok(Findings { rows, notes: Vec::new() })
}

/// Medians, in milliseconds, until `/healthz` and until `/readyz`.
fn starts(stage: &Stage, setting: &Setting) -> Result<[f64; 2], Failed> {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..stage.scale.starts {
        let begun = Instant::now();
        let mut server = Server::spawn(setting, stage.folder())?;
        for (path, took) in ["/healthz", "/readyz"].into_iter().zip(&mut took) {
            server.wait_for(path)?;
            took.push(millis(begun.elapsed()));
        }
    }
    let [healthy, ready] = took.map(|took| median(&took));
    stage.say(&format!("start: {healthy:.0} ms to /healthz, {ready:.0} ms to /readyz"));
    Ok([healthy, ready])
}
