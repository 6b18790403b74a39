//! Watches the files that variables name (`NAME_FILE`), so that a secret can be replaced without a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::file_snapshot::{ContentHash, FileSnapshot};
use crate::{Environment, SettingErrors, Settings, TaskHealth, ThreadEnd, supervise_thread};

/// Time between two reads of the files. Also the debounce: a change is accepted after two equal reads, so that a
/// partial write is ignored.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// An environment, and the files that settings were read from, with their contents' hashes.
#[derive(Clone)]
pub struct SecretFiles {
    environment: Environment,
    files: Vec<(PathBuf, ContentHash)>,
}

impl fmt::Debug for SecretFiles {
    /// Shows the paths only: the hash of a secret allows guesses to be tested.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.files.iter().map(|(path, _)| path)).finish()
    }
}

impl SecretFiles {
    pub(crate) fn new(environment: Environment, files: Vec<(PathBuf, ContentHash)>) -> Self {
        Self { environment, files }
    }
}

/// Watches files on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct FileWatch {
    reloads: Sender<Sender<()>>,
    health: TaskHealth,
}

impl FileWatch {
    /// Starts to watch, as the task `name`. Calls `reload` with settings that read the new contents whenever a file has
    /// changed. Logs the errors that `reload` reports to the settings, by variable; the values before the change then
    /// stay in use.
    ///
    /// Detects changes by content, not by date: a Kubernetes secret changes by replacing a symbolic link.
    ///
    /// Returns `None` when there is no file to watch.
    ///
    /// # Errors
    /// When the operating system cannot create a thread.
    pub fn start(
        files: SecretFiles,
        name: &'static str,
        mut reload: impl FnMut(&Settings<'_>) + Send + 'static,
    ) -> io::Result<Option<Self>> {
        if files.files.is_empty() {
            return Ok(None);
        }
        let (reloads, requests) = mpsc::channel();
        let health = TaskHealth::new(name);
        let (log, watched) = (tracing::dispatcher::get_default(Clone::clone), health.clone());
        thread::Builder::new().name("goptri-files".to_owned()).spawn(move || {
            let SecretFiles { environment, files } = files;
            // Outlives a panic of the watch, so that the change that it handled is not lost.
            let mut in_use: BTreeMap<PathBuf, ContentHash> = files.into_iter().collect();
            let mut run = || {
                watch(&environment, &mut in_use, &requests, |settings| {
                    watched.panic_if_killed();
                    reload(settings);
                })
            };
            tracing::dispatcher::with_default(&log, || supervise_thread(&watched, &mut run));
        })?;
        Ok(Some(Self { reloads, health }))
    }

    /// Says whether the watch is down.
    pub fn health(&self) -> &TaskHealth {
        &self.health
    }

    /// Reloads the files immediately, changed or not, without debounce. The receiver is disconnected when the reload is
    /// done.
    pub fn reload_now(&self) -> Receiver<()> {
        let (done, until_done) = mpsc::channel();
        // The thread is restarted until `self` is dropped, so this cannot fail.
        let _ = self.reloads.send(done);
        until_done
    }
}

fn watch(
    environment: &Environment,
    in_use: &mut BTreeMap<PathBuf, ContentHash>,
    requests: &Receiver<Sender<()>>,
    mut reload: impl FnMut(&Settings<'_>),
) -> ThreadEnd {
    let mut previous = None;
    loop {
        let request = match requests.recv_timeout(POLL_INTERVAL) {
            Err(RecvTimeoutError::Disconnected) => return ThreadEnd::Finished,
            Err(RecvTimeoutError::Timeout) => None,
            Ok(request) => Some(request),
        };
        let snapshot = FileSnapshot::read(in_use.keys());
        let hashes = snapshot.hashes();
        if request.is_some() || (hashes != *in_use && previous.as_ref() == Some(&hashes)) {
            reload_from(environment, &snapshot, &mut reload);
            in_use.clone_from(&hashes);
        }
        previous = Some(hashes);
    }
}

/// Reads the settings from the snapshot, which passed the debounce, and not from the files, which may have changed
/// since.
fn reload_from(environment: &Environment, snapshot: &FileSnapshot, reload: &mut impl FnMut(&Settings<'_>)) {
    let settings = Settings::from_snapshot(environment, snapshot);
    reload(&settings);
    if let Err(SettingErrors(errors)) = settings.into_result(Some(())) {
        for error in errors {
            tracing::error!(
                variable = error.variable,
                problem = error.problem,
                "the new content of a file cannot be used; the previous content stays in use"
            );
        }
    }
}
