//! Whoever ends the bench before its time ends what it started with it: a server that is left behind would be in the way of
//! whatever is measured next.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::processes::children;

/// As a shell says it of a program that a signal ended.
const INTERRUPTED: i32 = 130;

/// From now on, a signal to end ends all children, and leaves nothing in `folder`. Postgres ends by itself, as its keeper
/// notices.
pub(crate) fn with_all_that_was_started(folder: PathBuf) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
                _ = hung_up.recv() => {}
            }
        });
        let ids = children().into_iter().map(|id| id.to_string());
        // Some may have ended by themselves.
        let _ = Command::new("kill").args(ids).status();
        let _ = fs::remove_dir_all(folder);
        exit(INTERRUPTED);
    });
    Ok(())
}
