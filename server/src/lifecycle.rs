//! Start and stop: an address that is in use gets a clear error, and a stop finishes the requests in flight.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use goptri_settings::FileWatch;

use crate::ServerState;

/// A server cannot listen on its address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process listens there.
    #[error(
        "the address {address} is in use by another program. Stop that program, or set {variable} to another address"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
        /// The variable that sets it.
        variable: &'static str,
    },
    /// Another reason.
    #[error("cannot listen on {address} ({variable}): {cause}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The variable that sets it.
        variable: &'static str,
        /// The operating system's error.
        cause: io::Error,
    },
}

impl ListenError {
    /// Classifies the operating system's error.
    pub fn new(cause: io::Error, address: SocketAddr, variable: &'static str) -> Self {
        if cause.kind() == io::ErrorKind::AddrInUse {
            Self::InUse { address, variable }
        } else {
            Self::Other { address, variable, cause }
        }
    }
}

/// Reloads the files of secrets, keys and certificates at SIGHUP. A server whose standard input is a terminal stops
/// instead, because the signal means that the terminal has closed.
#[derive(Debug)]
pub struct SighupReload(Option<Signal>);

impl SighupReload {
    /// Installs the handler. A signal that arrives before [`start`](Self::start) is called is not lost. Must be called
    /// within a Tokio runtime.
    pub fn install() -> Self {
        if io::stdin().is_terminal() {
            return Self(None);
        }
        let signals = signal(SignalKind::hangup());
        Self(signals.inspect_err(|error| tracing::warn!(%error, "cannot handle SIGHUP")).ok())
    }

    /// Starts the task that reloads all files at each signal. Without files, a signal does nothing.
    pub fn start(self, files: Vec<Arc<FileWatch>>, state: &ServerState) {
        if self.0.is_none() {
            return;
        }
        let mut first = self.0;
        let start = move || reload_at_signals(first.take(), files.clone());
        actix_web::rt::spawn(state.supervise("SIGHUP handler", start));
    }
}

/// `signals` is the installed handler. `None`, after a restart of the task: installs it again.
async fn reload_at_signals(signals: Option<Signal>, files: Vec<Arc<FileWatch>>) {
    let installed = signals.map_or_else(|| signal(SignalKind::hangup()), Ok);
    let Ok(mut signals) = installed.inspect_err(|error| tracing::warn!(%error, "cannot handle SIGHUP"))
    else {
        return;
    };
    while signals.recv().await.is_some() {
        if files.is_empty() {
            tracing::info!("SIGHUP: nothing to reload, since no secret or certificate is in a file");
            continue;
        }
        tracing::info!("SIGHUP: reloading the files of secrets, keys and certificates");
        for files in &files {
            files.reload_now();
        }
    }
}

/// Resolves when the process is asked to stop: by SIGTERM, by Ctrl-C, or by SIGHUP from its terminal.
///
/// The handlers are installed before it returns, so that a signal before the first poll is not lost. Must be called
/// within a Tokio runtime.
pub fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    // Asked now: standard input is no longer a terminal once its terminal has closed.
    let mut terminal_closed = io::stdin().is_terminal().then(|| install(SignalKind::hangup())).flatten();
    let mut terminate = install(SignalKind::terminate());
    let mut interrupt = install(SignalKind::interrupt());
    async move {
        tokio::select! {
            () = received(&mut terminate) => {}
            () = received(&mut interrupt) => {}
            () = received(&mut terminal_closed) => {}
        }
    }
}

fn install(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::warn!(%error, "cannot handle a stop signal")).ok()
}

/// Never resolves for a signal that is not handled.
async fn received(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use goptri_settings::{AccessTokenSecret, Environment, Plain, Settings};
    use rustix::process::{Signal as RawSignal, getpid, kill_process};
    use test_support::{ACCESS_TOKEN_SECRET, TIMEOUT};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use tokio::time::{sleep, timeout};

    use super::*;

    const HANDLER: &str = "SIGHUP handler";

    /// Longer than a restart takes.
    const RESTART_TIMEOUT: Duration = Duration::from_secs(20);

    /// A watch of a file with a secret, and its reloads.
    fn watch(file: &str) -> (Arc<FileWatch>, UnboundedReceiver<()>) {
        fs::write(file, ACCESS_TOKEN_SECRET).unwrap();
        let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET_FILE", file)]);
        let settings = Settings::new(&environment);
        let _: Option<(Plain<AccessTokenSecret>, _)> = settings.secrets("ACCESS_TOKEN_SECRET");
        let (reload, reloads) = unbounded_channel();
        let on_change = move |_: &Settings<'_>| {
            let _ = reload.send(());
        };
        let files = FileWatch::start(settings.secret_files(), "watch of a test", on_change).unwrap();
        (Arc::new(files.unwrap()), reloads)
    }

    async fn hang_up(reloads: &mut UnboundedReceiver<()>, when: &str) {
        kill_process(getpid(), RawSignal::HUP).unwrap();
        let reloaded = timeout(TIMEOUT, reloads.recv()).await;
        assert!(reloaded.is_ok(), "SIGHUP reloads nothing {when}");
    }

    /// Waits until the reason why the server is not ready is `expected`.
    async fn wait_until_ready_is(state: &ServerState, expected: Result<(), &str>) {
        let is_expected = || match (state.check_ready(), expected) {
            (Ok(()), Ok(())) => true,
            (Err(error), Err(task)) => format!("{error:?}").contains(task),
            _ => false,
        };
        let waiting = async {
            while !is_expected() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(
            timeout(RESTART_TIMEOUT, waiting).await.is_ok(),
            "its readiness was never {expected:?}: {:?}",
            state.check_ready()
        );
    }

    #[actix_web::test]
    async fn a_handler_of_sighup_that_panics_makes_the_server_unready_and_is_restarted() {
        let folder = tempfile::tempdir().unwrap();
        let (files, mut reloads) = watch(folder.path().join("secret").to_str().unwrap());
        let state = ServerState::default();
        // Not by `install`: the standard input of a test may be a terminal.
        SighupReload(signal(SignalKind::hangup()).ok()).start(vec![files], &state);
        hang_up(&mut reloads, "at first").await;
        let tasks = state.tasks();
        tasks.iter().find(|task| task.name() == HANDLER).unwrap().kill();
        wait_until_ready_is(&state, Err(HANDLER)).await;
        wait_until_ready_is(&state, Ok(())).await;
        hang_up(&mut reloads, "after the restart").await;
    }
}
