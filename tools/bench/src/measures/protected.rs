//! A protected call beside the same call without its guard.

use std::process::Stdio;
use std::time::Duration;

use goptri::KeyRing;

use super::visitors::{Expected, request, requests, visitors};
use crate::Failed;
use crate::driver::{Load, once};
use crate::figures::{Findings, Row, number};
use crate::servers::{Server, Setting, output_of};
use crate::stage::{Sessions, Stage};
use crate::tokens::{FIRST_ENDED, Requests, access_secret, access_token};

/// Enough to keep the server busy.
const CONNECTIONS: usize = 64;

/// What api-server has at most under this load.
const MOST_MIB: f64 = 40.0;

/// The algorithm, and what `auth-server key generate` calls it. None: the shared secret.
const ALGORITHMS: [(&str, Option<&str>); 3] =
    [("HS256", None), ("EdDSA", Some("ed25519")), ("ES256", Some("p256"))];

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let postgres = stage.postgres()?;
    let database = postgres.with(Sessions { number: stage.scale.tokens, ended: stage.scale.ended })?;
    let mut findings = Findings::default();
    for (algorithm, key_type) in ALGORITHMS {
        let keys = key_type.map(|key_type| Keys::generate(stage, key_type)).transpose()?;
        let auth = Setting::auth(database.url());
        let auth = match &keys {
            Some(keys) => auth.and("ACCESS_TOKEN_KEY_FILE", &keys.file).without("ACCESS_TOKEN_SECRET"),
            None => auth,
        };
        let auth = stage.start(&auth)?;
        let api = stage.api(&auth);
        let api = if keys.is_some() { api.without("ACCESS_TOKEN_SECRET") } else { api };
        let api = stage.start(&api)?;
        let ring = keys.map_or_else(access_secret, |keys| Ok(keys.ring))?;
        ended_are_refused(&api, &ring)?;
        let tokens = (0..stage.scale.tokens).map(|session| access_token(&ring, session));
        let requests = requests(&tokens.collect::<Result<Vec<_>, _>>()?);
        measure(stage, algorithm, &api, &requests, &mut findings)?;
    }
    Ok(findings)
}

fn measure(
    stage: &Stage,
    algorithm: &str,
    api: &Server,
    requests: &Requests,
    findings: &mut Findings,
) -> Result<(), Failed> {
    let bare = stage.start(&Setting::unguarded())?;
    let (mut ours, mut limit) = (Spent::default(), Spent::default());
    let alternation = stage.alternate(
        &format!("protected call, {algorithm}"),
        || ours.visit(stage, api, requests, Expected::TheirOwn),
        || limit.visit(stage, &bare, requests, Expected::Anything),
    )?;
    findings.rows.push(Row::rate(
        &format!("protected call, {algorithm}"),
        alternation.ours(),
        alternation.limit(),
        alternation.ratio(),
        0.9,
    ));
    let what = format!("memory, api-server under protected calls, {algorithm}");
    findings.rows.push(Row::at_most(&what, api.resident_mib(), MOST_MIB, "MiB"));
    findings.notes.push(format!(
        "protected call, {algorithm}: a call took {} µs of a core of the guarded server and {} µs of the unguarded one",
        number(ours.micros_each()),
        number(limit.micros_each()),
    ));
    Ok(())
}

/// What a server spent on so many calls.
#[derive(Default)]
struct Spent {
    core_time: Duration,
    calls: usize,
}

impl Spent {
    fn visit(
        &mut self,
        stage: &Stage,
        server: &Server,
        requests: &Requests,
        expected: Expected,
    ) -> Result<f64, Failed> {
        let before = server.core_time();
        let callers = visitors(requests, CONNECTIONS.min(stage.scale.most_at_once), expected);
        let load = Load { server: server.address(), callers, lasting: stage.scale.turn, pace: None };
        let measured = load.run().map_err(|error| format!("{error}\n{}", server.last_lines()))?;
        self.core_time += server.core_time().saturating_sub(before);
        self.calls += measured.latencies.len();
        Ok(measured.rate())
    }

    fn micros_each(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let calls = self.calls as f64;
        self.core_time.as_secs_f64() * 1e6 / calls
    }
}

/// Otherwise the set of what has ended would not be looked at, and a bench would flatter.
fn ended_are_refused(api: &Server, keys: &KeyRing) -> Result<(), Failed> {
    for (session, expected) in [(FIRST_ENDED, 401), (FIRST_ENDED + 1, 401), (0, 200)] {
        let (status, body) = once(api.address(), &request(&access_token(keys, session)?))?;
        if status != expected {
            return Err(format!("session {session} is answered {status} and not {expected}: {body}").into());
        }
    }
    Ok(())
}

/// A key pair.
struct Keys {
    file: String,
    ring: KeyRing,
}

impl Keys {
    fn generate(stage: &Stage, key_type: &str) -> Result<Self, Failed> {
        let file = stage.folder().join(format!("{key_type}.pem")).display().to_string();
        let mut command = Setting::auth("sqlite://unused.db").command()?;
        output_of(command.args(["key", "generate", "--type", key_type, &file]).stdout(Stdio::piped()))?;
        let ring = KeyRing::from_pem(&std::fs::read_to_string(&file)?)?;
        Ok(Self { file, ring })
    }
}
