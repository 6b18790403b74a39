//! The memory of idle servers. The measures with load report the memory under load.

use std::thread::sleep;

use super::users::{Overload, Users};
use crate::Error;
use crate::driver::Load;
use crate::figures::{Findings, Row, number};
use crate::processes::cores;
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::Program;

const MAX_AUTH_SERVER_MIB: f64 = 20.0;
const MAX_API_SERVER_MIB: f64 = 15.0;

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let mut rows = Vec::new();
    for ended in [0, scale.ended] {
        run.say(&format!("memory, idle for {} s, {ended} entries in the feed", scale.idle.as_secs()));
        let database = postgres.with(Sessions { number: 0, ended })?;
        let auth = run.start(&Program::auth(database.url()))?;
        let api = run.start(&run.api(&auth))?;
        // After sign-ins, because auth-server releases the memory for hashing only when they stop.
        let users = Users::register(scale.accounts, &auth, postgres, &database)?;
        let callers = users.callers(cores(), Overload::Forbidden);
        Load { server: auth.address(), callers, duration: scale.turn, rate: None }.run()?;
        sleep(scale.idle);
        if ended == 0 {
            for (name, server, max) in
                [("auth-server", &auth, MAX_AUTH_SERVER_MIB), ("api-server", &api, MAX_API_SERVER_MIB)]
            {
                rows.push(Row::at_most(&format!("memory, {name}, idle"), server.resident_mib(), max, "MiB"));
            }
        } else {
            for (name, server) in [("auth-server", &auth), ("api-server", &api)] {
                let what = format!("memory, {name}, idle, {ended} ended sessions in the feed");
                rows.push(Row::info(&what, format!("{} MiB", number(server.resident_mib()))));
            }
        }
    }
    Ok(Findings { rows, notes: Vec::new() })
}
