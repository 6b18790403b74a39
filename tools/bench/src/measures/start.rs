//! The time from the start of a process to its first 200.

use std::time::Instant;

use crate::Error;
use crate::figures::{Findings, Row, median, millis};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::{Program, Server};

/// For auth-server on a migrated database, and for api-server with a running auth-server.
const MAX_AUTH_SERVER_MILLIS: f64 = 150.0;
const MAX_API_SERVER_MILLIS: f64 = 50.0;

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let database = run.postgres()?.with(Sessions { number: 0, ended: 0 })?;
    let program = Program::auth(database.url());
    let auth = starts(run, &program)?;
    let followed = run.start(&program)?;
    let api = starts(run, &run.api(&followed))?;
    let mut rows = Vec::new();
    for (name, [healthy, ready], max) in
        [("auth-server", auth, MAX_AUTH_SERVER_MILLIS), ("api-server", api, MAX_API_SERVER_MILLIS)]
    {
        rows.push(Row::at_most(&format!("start of {name} to /healthz"), healthy, max, "ms"));
        rows.push(Row::at_most(&format!("start of {name} to /readyz"), ready, max, "ms"));
    }
    Ok(Findings { rows, notes: Vec::new() })
}

/// Median milliseconds until `/healthz` and `/readyz` get 200.
fn starts(run: &Run, program: &Program) -> Result<[f64; 2], Error> {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..run.scale.starts {
        let begun = Instant::now();
        let mut server = Server::spawn(program, run.folder())?;
        for (path, took) in ["/healthz", "/readyz"].into_iter().zip(&mut took) {
            server.wait_for(path)?;
            took.push(millis(begun.elapsed()));
        }
    }
    let [healthy, ready] = took.map(|took| median(&took));
    run.say(&format!("start: {healthy:.0} ms to /healthz, {ready:.0} ms to /readyz"));
    Ok([healthy, ready])
}
