//! A protected call, and the question of a proxy (limit: the same without the guard).

use std::process::Stdio;
use std::time::Duration;

use goptri::keys::KeyRing;

use super::api_callers::{Expected, api_callers, request, requests, requests_by_cookie, requests_of_proxy};
use crate::Error;
use crate::driver::{Load, once};
use crate::figures::{Findings, Row, number};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::{Program, Server, output_of};
use crate::tokens::{FIRST_ENDED, Requests, access_secret, access_token};

/// Enough to keep the server busy.
const CONNECTIONS: usize = 64;

/// The memory of api-server under this load.
const MAX_MIB: f64 = 40.0;

/// The algorithm, and its type for `auth-server key generate`; `None` for the shared secret.
const ALGORITHMS: [(&str, Option<&str>); 3] =
    [("HS256", None), ("EdDSA", Some("ed25519")), ("ES256", Some("p256"))];

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let postgres = run.postgres()?;
    let database = postgres.with(Sessions { number: run.scale.tokens, ended: run.scale.ended })?;
    let mut findings = Findings::default();
    for (algorithm, key_type) in ALGORITHMS {
        let keys = key_type.map(|key_type| Keys::generate(run, key_type)).transpose()?;
        let auth = Program::auth(database.url());
        let auth = match &keys {
            Some(keys) => auth.with("ACCESS_TOKEN_KEY_FILE", &keys.file).without("ACCESS_TOKEN_SECRET"),
            None => auth,
        };
        let auth = run.start(&auth)?;
        let api = run.api(&auth);
        let api = if keys.is_some() { api.without("ACCESS_TOKEN_SECRET") } else { api };
        let api = run.start(&api)?;
        let ring = keys.map_or_else(access_secret, |keys| Ok(keys.ring))?;
        ended_sessions_are_rejected(&api, &ring)?;
        let tokens = (0..run.scale.tokens).map(|session| access_token(&ring, session));
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        let what = format!("protected call, {algorithm}");
        let calls = Calls { what, requests: requests(&tokens), expected: ME, mark: 0.9 };
        measure(run, &calls, &api, &mut findings)?;
        let what = format!("memory, api-server under protected calls, {algorithm}");
        findings.rows.push(Row::at_most(&what, api.resident_mib(), MAX_MIB, "MiB"));
        if key_type.is_none() {
            let what = "protected call by cookie".to_owned();
            let calls = Calls { what, requests: requests_by_cookie(&tokens), expected: ME, mark: 0.85 };
            measure(run, &calls, &api, &mut findings)?;
            let what = "forward auth".to_owned();
            let calls = Calls { what, requests: requests_of_proxy(&tokens), expected: VERIFY, mark: 0.85 };
            measure(run, &calls, &api, &mut findings)?;
        }
    }
    Ok(findings)
}

const ME: (Expected, Expected) = (Expected::OwnSession, Expected::ConstantLength);
const VERIFY: (Expected, Expected) = (Expected::OwnUser, Expected::NoBody);

/// Calls that are sent with the guard and without it.
struct Calls {
    what: String,
    requests: Requests,
    /// With the guard, and without it.
    expected: (Expected, Expected),
    /// The rate with the guard must be at least this part of the rate without it.
    mark: f64,
}

fn measure(run: &Run, calls: &Calls, api: &Server, findings: &mut Findings) -> Result<(), Error> {
    let Calls { what, requests, expected: (guarded, unguarded), mark } = calls;
    let bare = run.start(&Program::unguarded())?;
    let (mut ours, mut limit) = (Cost::default(), Cost::default());
    let alternation = run.alternate(
        what,
        || ours.call(run, api, requests, *guarded),
        || limit.call(run, &bare, requests, *unguarded),
    )?;
    let (ours_rate, limit_rate, ratio) = (alternation.ours(), alternation.limit(), alternation.ratio());
    findings.rows.push(Row::rate(what, ours_rate, limit_rate, ratio, *mark));
    findings.notes.push(format!(
        "{what}: a call took {} µs of CPU time with the guard and {} µs without it",
        number(ours.micros_each()),
        number(limit.micros_each()),
    ));
    Ok(())
}

/// The CPU time of a server for its calls.
#[derive(Default)]
struct Cost {
    core_time: Duration,
    calls: u64,
}

impl Cost {
    fn call(
        &mut self,
        run: &Run,
        server: &Server,
        requests: &Requests,
        expected: Expected,
    ) -> Result<f64, Error> {
        let before = server.core_time();
        let callers = api_callers(requests, CONNECTIONS.min(run.scale.max_connections), expected);
        let load = Load { server: server.address(), callers, duration: run.scale.turn, rate: None };
        let measured = load.run().map_err(|error| format!("{error}\n{}", server.last_lines()))?;
        self.core_time += server.core_time().saturating_sub(before);
        self.calls += measured.latencies.len();
        Ok(measured.rate())
    }

    fn micros_each(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let calls = self.calls as f64;
        self.core_time.as_secs_f64() * 1e6 / calls
    }
}

/// Checks that the server consults its revocation set.
fn ended_sessions_are_rejected(api: &Server, keys: &KeyRing) -> Result<(), Error> {
    for (session, expected) in [(FIRST_ENDED, 401), (FIRST_ENDED + 1, 401), (0, 200)] {
        let (status, body) = once(api.address(), &request(&access_token(keys, session)?))?;
        if status != expected {
            return Err(format!("session {session} gets {status} instead of {expected}: {body}").into());
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
    fn generate(run: &Run, key_type: &str) -> Result<Self, Error> {
        let file = run.folder().join(format!("{key_type}.pem")).display().to_string();
        let mut command = Program::auth("sqlite://unused.db").command()?;
        output_of(command.args(["key", "generate", "--type", key_type, &file]).stdout(Stdio::piped()))?;
        let ring = KeyRing::from_pem(&std::fs::read_to_string(&file)?)?;
        Ok(Self { file, ring })
    }
}
