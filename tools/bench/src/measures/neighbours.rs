//! What refreshes and verification notice of ten times as many sign-ins as can be hashed.

use std::thread;
use std::time::Duration;

use super::chains::Chains;
use super::people::{Accounts, Patience, Signing};
use super::visitors::{Expected, requests, visitors};
use crate::Failed;
use crate::driver::{Caller, Latencies, Load, Measured, Pace};
use crate::figures::{Findings, Row, median, millis, number};
use crate::servers::{Server, Setting};
use crate::stage::{Sessions, Stage};
use crate::tokens::{Requests, access_tokens};

/// The neighbours' own pace, which this machine has room for.
const REFRESHES: Pace = Pace(200.0);
const CALLS: Pace = Pace(1_000.0);
const CONNECTIONS: usize = 16;

/// Sign-ins under way at the same time; the server's queue has fewer places.
const SIGNING_IN: usize = 400;

/// The flood is there before the neighbours are looked at.
const HEAD_START: Duration = Duration::from_millis(500);

struct Neighbours<'a> {
    stage: &'a Stage,
    auth: Server,
    api: Server,
    chains: Chains,
    requests: Requests,
}

/// Medians of each, in milliseconds.
#[derive(Default)]
struct Seen {
    refresh: [Vec<f64>; 2],
    verify: [Vec<f64>; 2],
}

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let (postgres, scale) = (stage.postgres()?, stage.scale);
    let sessions = scale.chains * 2;
    let database = postgres.with(Sessions { number: sessions, ended: 0 })?;
    let auth = stage.start(&Setting::auth(database.url()))?;
    let api = stage.start(&stage.api(&auth))?;
    let accounts = Accounts::register(scale.accounts.max(SIGNING_IN as u64), &auth, postgres, &database)?;
    let hashed_a_second = hashed_a_second(stage, &accounts, &auth)?;
    let neighbours = Neighbours {
        stage,
        auth,
        api,
        chains: Chains::new(scale.chains, 2, 0)?,
        requests: requests(&access_tokens(sessions.min(scale.tokens))?),
    };
    let (mut before, mut during, mut rates) = (Seen::default(), Seen::default(), Vec::new());
    for round in 1..=scale.rounds {
        neighbours.look(&mut before)?;
        rates.push(neighbours.flooded(&accounts, Pace(hashed_a_second * 10.0), &mut during)?);
        stage.say(&format!("neighbours, {round} of {}", scale.rounds));
    }
    let rate = |which: usize| median(&rates.iter().map(|rates| rates[which]).collect::<Vec<_>>());
    let mut rows = Vec::new();
    for (name, before, during) in
        [("refresh", &before.refresh, &during.refresh), ("verify", &before.verify, &during.verify)]
    {
        for (which, percentile) in ["p50", "p99"].into_iter().enumerate() {
            let (before, during) = (median(&before[which]), median(&during[which]));
            let what = format!("{name} beside a flood of sign-ins: {percentile} (limit: just before)");
            rows.push(
                Row::told(&what, format!("{} ms", number(during)))
                    .beside(format!("{} ms", number(before)), during / before),
            );
        }
    }
    Ok(Findings {
        rows,
        notes: vec![format!(
            "the flood: {} sign-ins a second, of which {} a second got tokens and the others were told to come back; {} a second \
             can be hashed. Beside it 200 refreshes and 1,000 calls a second, without a single error",
            number(rate(0)),
            number(rate(1)),
            number(hashed_a_second),
        )],
    })
}

fn hashed_a_second(stage: &Stage, accounts: &Accounts, auth: &Server) -> Result<f64, Failed> {
    let callers = accounts.callers(crate::processes::cores() * 2, Patience::None);
    let load = Load { server: auth.address(), callers, lasting: stage.scale.turn, pace: None };
    Ok(load.run()?.rate())
}

impl Neighbours<'_> {
    fn look(&self, seen: &mut Seen) -> Result<(), Failed> {
        let lasting = self.stage.scale.turn;
        let connections = CONNECTIONS.min(self.stage.scale.most_at_once);
        let refresh = Load {
            server: self.auth.address(),
            callers: self.chains.callers(connections),
            lasting,
            pace: Some(REFRESHES),
        };
        let callers = visitors(&self.requests, connections, Expected::TheirOwn);
        let verify = Load { server: self.api.address(), callers, lasting, pace: Some(CALLS) };
        let refresh = thread::spawn(move || refresh.run());
        let verify = verify.run()?;
        let refresh = joined(refresh)?;
        for (seen, latencies) in
            [(&mut seen.refresh, refresh.latencies), (&mut seen.verify, verify.latencies)]
        {
            push(seen, &latencies);
        }
        Ok(())
    }

    /// How many signed in, or tried to, and how many were let in, a second.
    fn flooded(&self, accounts: &Accounts, pace: Pace, seen: &mut Seen) -> Result<[f64; 2], Failed> {
        let lasting = self.stage.scale.turn + HEAD_START * 2;
        let callers =
            accounts.callers(SIGNING_IN.min(self.stage.scale.most_at_once), Patience::SomeMayBeSentAway);
        let flood = Load { server: self.auth.address(), callers, lasting, pace: Some(pace) };
        let flood = thread::spawn(move || flood.run());
        thread::sleep(HEAD_START);
        self.look(seen)?;
        let flood: Measured<Signing> = joined(flood)?;
        let let_in = flood.callers.iter().map(|caller| caller.signed_in).sum::<usize>();
        if flood.callers.iter().all(|caller| caller.sent_away == 0) && self.stage.scale.rounds > 1 {
            return Err("nobody was sent away, so that was no flood".into());
        }
        // Those who still wait at the end are let in later.
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let rates =
            [flood.latencies.len() as f64 / lasting.as_secs_f64(), let_in as f64 / flood.took.as_secs_f64()];
        Ok(rates)
    }
}

fn push(seen: &mut [Vec<f64>; 2], latencies: &Latencies) {
    let (p50, p99) = latencies.p50_and_p99();
    seen[0].push(millis(p50));
    seen[1].push(millis(p99));
}

fn joined<C: Caller>(thread: thread::JoinHandle<Result<Measured<C>, Failed>>) -> Result<Measured<C>, Failed> {
    thread.join().map_err(|_| "whoever asked the server panicked")?
}
