//! How refreshes and verification slow down beside ten times as many sign-ins as the server can hash.

use std::thread;
use std::time::Duration;

use super::api_callers::{Expected, api_callers, requests};
use super::chains::Chains;
use super::users::{Overload, SigningIn, Users};
use crate::Error;
use crate::driver::{Caller, Latencies, Load, Measured, PerSecond};
use crate::figures::{Findings, Row, median, millis, number};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::{Program, Server};
use crate::tokens::{Requests, access_tokens};

/// Rates that leave room on this machine.
const REFRESHES: PerSecond = PerSecond(200.0);
const CALLS: PerSecond = PerSecond(1_000.0);
const CONNECTIONS: usize = 16;

/// Concurrent sign-ins, more than the server's queue holds.
const SIGNING_IN: usize = 400;

/// From the start of the flood to the measurement.
const HEAD_START: Duration = Duration::from_millis(500);

struct Interference<'a> {
    run: &'a Run,
    auth: Server,
    api: Server,
    chains: Chains,
    requests: Requests,
}

/// The p50 and the p99 of each round, in milliseconds.
#[derive(Default)]
struct Measurements {
    refresh: [Vec<f64>; 2],
    verify: [Vec<f64>; 2],
}

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let sessions = scale.chains * 2;
    let database = postgres.with(Sessions { number: sessions, ended: 0 })?;
    let auth = run.start(&Program::auth(database.url()))?;
    let api = run.start(&run.api(&auth))?;
    let users = Users::register(scale.accounts.max(SIGNING_IN as u64), &auth, postgres, &database)?;
    let sign_ins_per_second = sign_ins_per_second(run, &users, &auth)?;
    let interference = Interference {
        run,
        auth,
        api,
        chains: Chains::new(scale.chains, 2, 0)?,
        requests: requests(&access_tokens(sessions.min(scale.tokens))?),
    };
    let (mut before, mut during, mut rates) = (Measurements::default(), Measurements::default(), Vec::new());
    for round in 1..=scale.rounds {
        interference.measure(&mut before)?;
        rates.push(interference.flooded(&users, PerSecond(sign_ins_per_second * 10.0), &mut during)?);
        run.say(&format!("interference, {round} of {}", scale.rounds));
    }
    let rate = |which: usize| median(&rates.iter().map(|rates| rates[which]).collect::<Vec<_>>());
    let mut rows = Vec::new();
    for (name, before, during) in
        [("refresh", &before.refresh, &during.refresh), ("verify", &before.verify, &during.verify)]
    {
        for (which, percentile) in ["p50", "p99"].into_iter().enumerate() {
            let (before, during) = (median(&before[which]), median(&during[which]));
            let what = format!("{name} beside a flood of sign-ins: {percentile} (limit: without it)");
            rows.push(
                Row::info(&what, format!("{} ms", number(during)))
                    .with_limit(format!("{} ms", number(before)), during / before),
            );
        }
    }
    Ok(Findings {
        rows,
        notes: vec![format!(
            "flood: {} sign-ins/s, of which {}/s got tokens and the others 503; the server can hash {}/s. Meanwhile 200 \
             refreshes/s and 1,000 calls/s, without an error",
            number(rate(0)),
            number(rate(1)),
            number(sign_ins_per_second),
        )],
    })
}

fn sign_ins_per_second(run: &Run, users: &Users, auth: &Server) -> Result<f64, Error> {
    let callers = users.callers(crate::processes::cores() * 2, Overload::Forbidden);
    let load = Load { server: auth.address(), callers, duration: run.scale.turn, rate: None };
    Ok(load.run()?.rate())
}

impl Interference<'_> {
    fn measure(&self, results: &mut Measurements) -> Result<(), Error> {
        let duration = self.run.scale.turn;
        let connections = CONNECTIONS.min(self.run.scale.max_connections);
        let refresh = Load {
            server: self.auth.address(),
            callers: self.chains.callers(connections),
            duration,
            rate: Some(REFRESHES),
        };
        let callers = api_callers(&self.requests, connections, Expected::OwnSession);
        let verify = Load { server: self.api.address(), callers, duration, rate: Some(CALLS) };
        let refresh = thread::spawn(move || refresh.run());
        let verify = verify.run()?;
        let refresh = joined(refresh)?;
        for (results, latencies) in
            [(&mut results.refresh, refresh.latencies), (&mut results.verify, verify.latencies)]
        {
            push(results, &latencies);
        }
        Ok(())
    }

    /// Measures beside a flood. Returns the rates of attempted and of successful sign-ins.
    fn flooded(&self, users: &Users, rate: PerSecond, results: &mut Measurements) -> Result<[f64; 2], Error> {
        let duration = self.run.scale.turn + HEAD_START * 2;
        let callers = users.callers(SIGNING_IN.min(self.run.scale.max_connections), Overload::Allowed);
        let flood = Load { server: self.auth.address(), callers, duration, rate: Some(rate) };
        let flood = thread::spawn(move || flood.run());
        thread::sleep(HEAD_START);
        self.measure(results)?;
        let flood: Measured<SigningIn> = joined(flood)?;
        let signed_in = flood.callers.iter().map(|caller| caller.signed_in).sum::<usize>();
        if flood.callers.iter().all(|caller| caller.rejected == 0) && self.run.scale.rounds > 1 {
            return Err("no sign-in got 503, so there was no flood".into());
        }
        // Sign-ins that still wait at the end succeed later.
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let rates = [
            flood.latencies.len() as f64 / duration.as_secs_f64(),
            signed_in as f64 / flood.took.as_secs_f64(),
        ];
        Ok(rates)
    }
}

fn push(results: &mut [Vec<f64>; 2], latencies: &Latencies) {
    let (p50, p99) = latencies.p50_and_p99();
    results[0].push(millis(p50));
    results[1].push(millis(p99));
}

fn joined<C: Caller>(thread: thread::JoinHandle<Result<Measured<C>, Error>>) -> Result<Measured<C>, Error> {
    thread.join().map_err(|_| "a thread of the driver panicked")?
}
