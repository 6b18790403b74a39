//! A signal that ends the bench also ends the servers it started: a server left behind would disturb later
//! measurements.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::processes::children;

/// The exit code that a shell reports for a program ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// On SIGINT, SIGTERM or SIGHUP: ends all children, removes `folder`, and exits. Postgres ends by itself, as its
/// supervisor notices.
pub(crate) fn on_signal(folder: PathBuf) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        let ids = children().into_iter().map(|id| id.to_string());
        // Some may have ended already.
        let _ = Command::new("kill").args(ids).status();
        let _ = fs::remove_dir_all(folder);
        exit(INTERRUPTED);
    });
    Ok(())
}
