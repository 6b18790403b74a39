//! How refreshes and verification slow down beside requests that are made to be expensive to parse (limit: beside plain
//! ones of the same size).

use std::fmt::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::api_callers::{Expected, api_callers, request, requests};
use super::chains::Chains;
use crate::Error;
use crate::driver::{Caller, Latencies, Load, PerSecond, Response};
use crate::figures::{Findings, Row, median, millis, number};
use crate::run::Run;
use crate::seed::Sessions;
use crate::servers::Program;
use crate::tokens::access_tokens;

/// Rates that leave room on this machine.
const REFRESHES: PerSecond = PerSecond(200.0);
const CALLS: PerSecond = PerSecond(1_000.0);
const CONNECTIONS: usize = 16;

/// The connections of the expensive requests, each as fast as the server responds.
const HOSTILE: usize = 8;

/// The largest body that auth-server reads.
const BODY_BYTES: usize = 16 * 1024;

/// The largest token that a server parses, in base64url.
const TOKEN_HEADER_BYTES: usize = 8_000 / 4 * 3;

/// From the start of the other requests to the measurement.
const HEAD_START: Duration = Duration::from_millis(200);

/// The highest ratio of the p50 beside expensive requests to that beside plain ones.
const MAX_RATIO: f64 = 2.0;

/// Sends the same requests in turn, all of which are rejected.
#[derive(Clone)]
struct Refused {
    requests: Vec<Vec<u8>>,
    next: usize,
    status: u16,
}

impl Caller for Refused {
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error> {
        request.extend_from_slice(&self.requests[self.next]);
        self.next = (self.next + 1) % self.requests.len();
        Ok(())
    }

    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error> {
        let expected = response.status == self.status;
        expected.then_some(()).ok_or_else(|| format!("not {}: {}", self.status, response.describe()).into())
    }
}

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (postgres, scale) = (run.postgres()?, run.scale);
    let sessions = scale.chains * 2;
    let database = postgres.with(Sessions { number: sessions, ended: 0 })?;
    let auth = run.start(&Program::auth(database.url()))?;
    let api = run.start(&run.api(&auth))?;
    let chains = Chains::new(scale.chains, 2, 0)?;
    let calls = requests(&access_tokens(sessions.min(scale.tokens))?);
    let connections = CONNECTIONS.min(scale.max_connections);
    let (mut refresh, mut verify) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 1..=scale.rounds {
        for (which, expensive) in [false, true].into_iter().enumerate() {
            let load = Load {
                server: auth.address(),
                callers: chains.callers(connections),
                duration: scale.turn,
                rate: Some(REFRESHES),
            };
            refresh[which].push(p50(&beside(auth.address(), &bodies(expensive), load)?));
            let callers = api_callers(&calls, connections, Expected::OwnSession);
            let load = Load { server: api.address(), callers, duration: scale.turn, rate: Some(CALLS) };
            verify[which].push(p50(&beside(api.address(), &tokens(expensive), load)?));
        }
        run.say(&format!("hostile bodies, {round} of {}", scale.rounds));
    }
    let row = |what: &str, [plain, expensive]: &[Vec<f64>; 2]| {
        let (plain, expensive) = (median(plain), median(expensive));
        let what = format!("{what}: p50 (limit: plain ones)");
        Row::info(&what, format!("{} ms", number(expensive)))
            .with_limit(format!("{} ms", number(plain)), expensive / plain)
            .ratio_at_most(expensive / plain, MAX_RATIO)
    };
    let rows = vec![
        row("refresh beside 8 connections of bodies that are expensive to parse", &refresh),
        row("verify beside 8 connections of tokens that are expensive to parse", &verify),
    ];
    Ok(Findings { rows, notes: Vec::new() })
}

/// The latencies of `load` while the server also gets these requests.
fn beside<C: Caller>(server: SocketAddr, others: &Refused, load: Load<C>) -> Result<Latencies, Error> {
    let duration = load.duration + HEAD_START * 2;
    let others = Load { server, callers: vec![others.clone(); HOSTILE], duration, rate: None };
    let others = thread::spawn(move || others.run());
    thread::sleep(HEAD_START);
    let measured = load.run()?;
    others.join().map_err(|_| "a thread of the driver panicked")??;
    Ok(measured.latencies)
}

fn p50(latencies: &Latencies) -> f64 {
    millis(latencies.p50_and_p99().0)
}

/// Bodies for `POST /token`.
fn bodies(expensive: bool) -> Refused {
    let bodies = if expensive { expensive_objects(BODY_BYTES) } else { vec![plain_object(BODY_BYTES)] };
    let request = |body: String| {
        let length = body.len();
        let head = "POST /token HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    Refused { requests: bodies.into_iter().map(request).collect(), next: 0, status: 400 }
}

/// Tokens for `GET /me`.
fn tokens(expensive: bool) -> Refused {
    let bytes = TOKEN_HEADER_BYTES;
    let headers = if expensive { expensive_objects(bytes) } else { vec![plain_object(bytes)] };
    let request =
        |header: String| request(&format!("{}.e30.e30", URL_SAFE_NO_PAD.encode(header))).into_bytes();
    Refused { requests: headers.into_iter().map(request).collect(), next: 0, status: 401 }
}

/// One member that is long.
fn plain_object(bytes: usize) -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - 11))
}

/// Many members, all of them different; escapes; nested objects; numbers.
fn expensive_objects(bytes: usize) -> Vec<String> {
    let mut members = String::from(r#"{"m":0"#);
    for number in 0.. {
        if members.len() + 12 > bytes {
            break;
        }
        let _ = write!(members, r#","{number:x}":1"#);
    }
    members.push('}');
    let repeated = |start: &str, part: &str, end: &str| {
        let times = (bytes - start.len() - end.len()) / part.len();
        format!("{start}{}{end}", part.repeat(times))
    };
    vec![
        members,
        repeated(r#"{"text":""#, "\\u00e9", r#""}"#),
        repeated(r#"{"text":["#, "{},", "0]}"),
        repeated(r#"{"text":["#, "1e-9,", "0]}"),
    ]
}
