//! `scratch-pg [--durable] -- COMMAND …` runs a command with a temporary Postgres, so that a whole test run shares one
//! server. If `TEST_DATABASE_URL` is set, the command uses that server. `scratch-pg --citus -- COMMAND …` runs it
//! with a coordinator and two workers with Citus.

use std::{
    env, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitCode, ExitStatus},
};

use scratch_pg::{CitusCluster, Profile, ScratchPg, TEST_CITUS_URLS, TEST_DATABASE_URL};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinError, spawn_blocking},
};

const USAGE: &str = "usage: scratch-pg [--durable | --citus] -- COMMAND [ARGUMENTS]";

const WORKERS: usize = 2;

#[expect(clippy::print_stderr, reason = "a command line tool reports on stderr")]
fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("scratch-pg: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Vec<String>) -> io::Result<ExitCode> {
    let option = arguments.first().filter(|first| *first != "--").cloned();
    if option.is_some() {
        arguments.remove(0);
    }
    let (profile, citus) = match option.as_deref() {
        None => (Profile::Fast, false),
        Some("--durable") => (Profile::Durable, false),
        Some("--citus") => (Profile::Fast, true),
        Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
    };
    let [dashes, program, arguments @ ..] = arguments.as_slice() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE));
    };
    if dashes != "--" {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE));
    }
    let mut command = Command::new(program);
    command.args(arguments);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{program}: {error}"));
    let (server, cluster);
    if citus {
        cluster = CitusCluster::start(profile, WORKERS)?;
        command.env(TEST_CITUS_URLS, cluster.urls().join(" "));
    } else if scratch_pg::named_server().is_some() {
        return Err(named(command.exec()));
    } else {
        server = ScratchPg::start(profile)?;
        command.env(TEST_DATABASE_URL, server.url("postgres"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(supervise(&mut command)).map_err(named)?;
    Ok(code(status))
}

/// Runs the command to its end. Signals are forwarded, so that it can clean up while its server still runs; Ctrl-C in a
/// terminal reaches it without that.
async fn supervise(command: &mut Command) -> io::Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut child: Child = command.spawn()?;
    let id = child.id().to_string();
    let mut ended = spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            status = &mut ended => return status.map_err(|error: JoinError| io::Error::other(error))?,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => send_signal(&id, "-TERM")?,
            _ = hang_up.recv() => send_signal(&id, "-HUP")?,
        }
    }
}

/// The command may have ended already, which is no error.
fn send_signal(id: &str, signal: &str) -> io::Result<()> {
    Command::new("kill").args([signal, id]).status().map(drop)
}

/// The exit code, or for a signal the code that a shell would report.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
