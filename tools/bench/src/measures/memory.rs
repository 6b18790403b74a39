//! How much memory a server has that nobody has asked anything yet. What it has under a load is shown with the load.

use std::thread::sleep;
use std::time::Duration;

use super::sign_in::hashing_mib;
use crate::Failed;
use crate::figures::{Findings, Row};
use crate::servers::Setting;
use crate::stage::{Sessions, Stage};

/// Of auth-server apart from what it hashes on, and of api-server.
const MOST_OF_AUTH_MIB: f64 = 30.0;
const MOST_OF_API_MIB: f64 = 15.0;

/// By then a server has done all that it does at its start.
const SETTLED: Duration = Duration::from_millis(500);

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let postgres = stage.postgres()?;
    let mut rows = Vec::new();
    for (what, ended) in [("idle", 0), ("idle, following", stage.scale.ended)] {
        stage.say(&format!("memory, {what}, {ended} ended sessions"));
        let database = postgres.with(Sessions { number: 0, ended })?;
        let auth = stage.start(&Setting::auth(database.url()))?;
        let api = stage.start(&stage.api(&auth))?;
        sleep(SETTLED);
        if ended == 0 {
            let most = MOST_OF_AUTH_MIB + hashing_mib();
            rows.push(Row::at_most("memory, auth-server, idle", auth.resident_mib(), most, "MiB"));
            rows.push(Row::at_most("memory, api-server, idle", api.resident_mib(), MOST_OF_API_MIB, "MiB"));
        } else {
            for (name, server) in [("auth-server", &auth), ("api-server", &api)] {
                let what = format!("memory, {name}, idle, {ended} ended sessions in the feed");
                let mib = crate::figures::number(server.resident_mib());
                rows.push(Row::told(&what, format!("{mib} MiB")));
            }
        }
    }
    Ok(Findings { rows, notes: Vec::new() })
}
