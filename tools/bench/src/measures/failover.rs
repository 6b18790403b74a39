//! How long refreshes are interrupted by a restart of Postgres, and by a switch-over to its standby.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use scratch_pg::{Database, Profile, ScratchPg};

use crate::Error;
use crate::driver::Latencies;
use crate::figures::{Findings, Row, median, millis};
use crate::run::Run;
use crate::seed::{Postgres, Sessions, execute_on};
use crate::servers::Program;
use crate::tokens::{refresh_token, refresh_tokens};

/// From the moment at which Postgres accepts writes again to the first 200, in milliseconds.
const MAX_FIRST_200: f64 = 2_000.0;

/// Sessions that refresh, each in a thread of its own.
const CALLERS: u64 = 8;

/// Between two refreshes of a session, and before a refresh that failed is repeated.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the callers refresh before the interruption and after it.
const MARGIN: Duration = Duration::from_millis(500);

const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let (mut restarts, mut switches) = (Vec::new(), Vec::new());
    for round in 1..=run.scale.rounds {
        let primary = Postgres::start(Profile::Durable)?;
        let database = primary.with(Sessions { number: CALLERS, ended: 0 })?;
        let address = Address(run.folder().join(format!("postgres-{round}")));
        address.point_at(primary.server())?;
        let auth = run.start(&Program::auth(&address.url_of(&database)?))?;
        let mut callers = Callers::new(auth.address())?;
        restarts.push(callers.beside(|| {
            primary.server().shut_down()?;
            Ok(primary.server().restart()?)
        })?);
        let standby = primary.server().streaming_standby(Profile::Durable)?;
        switches.push(callers.beside(|| {
            primary.server().shut_down()?;
            address.point_at(&standby)?;
            execute_on(&standby.url("postgres"), "select pg_promote()")
        })?);
        drop(auth);
        // It drops the database.
        primary.server().restart()?;
        run.say(&format!("failover, {round} of {}", run.scale.rounds));
    }
    let mut rows = rows("while Postgres restarts", &restarts);
    rows.extend(self::rows("during a switch-over to a standby", &switches));
    Ok(Findings { rows, notes: Vec::new() })
}

fn rows(when: &str, interruptions: &[Interruption]) -> Vec<Row> {
    let of = |figure: fn(&Interruption) -> f64| interruptions.iter().map(figure).collect::<Vec<_>>();
    let p99 = median(&of(|interruption| interruption.p99));
    let longest = of(|interruption| interruption.first_200).into_iter().fold(0.0, f64::max);
    vec![
        Row::info(&format!("refresh {when}: p99, repeats included"), format!("{p99:.0} ms")),
        Row::at_most(&format!("refresh {when}: longest time to the first 200"), longest, MAX_FIRST_200, "ms"),
    ]
}

/// A folder with the socket of the server that takes the writes.
struct Address(PathBuf);

impl Address {
    fn point_at(&self, server: &ScratchPg) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => symlink(server.folder(), &self.0),
        }
    }

    /// The URL of the database at the server that this points at.
    fn url_of(&self, database: &Database) -> Result<String, Error> {
        let (server, _) =
            database.url().split_once('?').ok_or("the URL of the database has no parameters")?;
        Ok(format!("{server}?host={}", self.0.display()))
    }
}

/// In milliseconds.
struct Interruption {
    p99: f64,
    first_200: f64,
}

/// The newest refresh token of each session.
struct Callers {
    server: SocketAddr,
    tokens: Vec<String>,
}

impl Callers {
    fn new(server: SocketAddr) -> Result<Self, Error> {
        let tokens = refresh_tokens()?;
        let tokens =
            (0..CALLERS).map(|session| refresh_token(&tokens, session, 0)).collect::<Result<_, _>>()?;
        Ok(Self { server, tokens })
    }

    /// Refreshes while `interrupt` runs. When it returns, Postgres accepts writes again.
    fn beside(&mut self, interrupt: impl FnOnce() -> Result<(), Error>) -> Result<Interruption, Error> {
        let (stop, refreshed) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let server = self.server;
        let (back, results) = thread::scope(|scope| {
            let refresh = |token| refresh_until(&stop, server, token, &refreshed);
            let threads: Vec<_> =
                self.tokens.iter_mut().map(|token| scope.spawn(move || refresh(token))).collect();
            sleep(MARGIN);
            let back = interrupt().map(|()| Instant::now());
            sleep(MARGIN);
            stop.store(true, Ordering::Relaxed);
            let results: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
            (back, results)
        });
        // If the interruption failed, the callers fail because of it.
        let back = back?;
        for result in results {
            result.map_err(|_| "a caller panicked")??;
        }
        let refreshed = refreshed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut latencies = Latencies::new();
        for (_, took) in &refreshed {
            latencies.add(*took);
        }
        let first = refreshed
            .iter()
            .filter_map(|(at, _): &(Instant, Duration)| at.checked_duration_since(back))
            .min();
        let first = first.ok_or("no refresh got 200 after the interruption")?;
        Ok(Interruption { p99: millis(latencies.p50_and_p99().1), first_200: millis(first) })
    }
}

/// Refreshes one session, and repeats each refresh until it gets 200. Adds when that was, and how long it took.
fn refresh_until(
    stop: &AtomicBool,
    server: SocketAddr,
    token: &mut String,
    refreshed: &Mutex<Vec<(Instant, Duration)>>,
) -> Result<(), Error> {
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let successor = loop {
            let (status, body) = refresh(server, token)?;
            match body.split_once(r#""refresh_token":""#).and_then(|(_, rest)| rest.split('"').next()) {
                Some(successor) if status == 200 => break successor.to_owned(),
                _ if status == 503 && begun.elapsed() < TIMEOUT => sleep(PAUSE),
                _ => return Err(format!("a refresh got {status}: {body}").into()),
            }
        };
        *token = successor;
        refreshed.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), begun.elapsed()));
        sleep(PAUSE);
    }
    Ok(())
}

/// One request on a connection of its own: its status and its body.
fn refresh(server: SocketAddr, token: &str) -> Result<(u16, String), Error> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let body = format!(r#"{{"refresh_token":"{token}"}}"#);
    write!(
        stream,
        "POST /token HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let status =
        response.get(9..12).and_then(|status| status.parse().ok()).ok_or("no status in a response")?;
    Ok((status, response))
}
