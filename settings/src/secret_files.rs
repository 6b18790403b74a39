//! Files that variables name (`NAME_FILE`), read again when they change, so that a secret is replaced without a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Environment, SettingErrors, Settings};

/// How often the files are looked at. What is new twice in a row is used: half of it would not be the same for so long.
const POLL: Duration = Duration::from_millis(200);

/// The environment of a program, and the files that it was read from with what they held then.
#[derive(Clone)]
pub struct SecretFiles {
    environment: Environment,
    files: Vec<(PathBuf, Contents)>,
}

impl fmt::Debug for SecretFiles {
    /// Their names only: what a secret hashes to may give it away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.files.iter().map(|(path, _)| path)).finish()
    }
}

/// What a file held, as far as it matters here: its SHA-256. `None`: it could not be read.
pub(crate) type Contents = Option<[u8; 32]>;

/// What files held when they were looked at. Its `Debug` shows their names only.
pub(crate) struct Looked(pub(crate) BTreeMap<PathBuf, io::Result<Zeroizing<Vec<u8>>>>);

impl fmt::Debug for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Looked {
    fn at<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Self {
        Self(paths.map(|path| (path.clone(), fs::read(path).map(Zeroizing::new))).collect())
    }
}

pub(crate) fn contents(read: &io::Result<Zeroizing<Vec<u8>>>) -> Contents {
    read.as_ref().ok().map(|bytes| Sha256::digest(bytes).into())
}

impl SecretFiles {
    pub(crate) fn new(environment: Environment, files: Vec<(PathBuf, Contents)>) -> Self {
        Self { environment, files }
    }
}

/// Looks at the files until it is dropped.
#[derive(Debug)]
pub struct FileWatch {
    wake: Sender<Sender<()>>,
}

impl FileWatch {
    /// Begins. `reread` is given the settings whenever a file has changed, and takes what it can use; what it cannot is said in
    /// the log, by the variable's name, and stays as it was. It runs on a thread of its own.
    ///
    /// By their contents, not their dates: a mounted Kubernetes secret changes by a link that leads elsewhere.
    ///
    /// `None` when there is no file to look at.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        files: SecretFiles,
        mut reread: impl FnMut(&Settings<'_>) + Send + 'static,
    ) -> io::Result<Option<Self>> {
        if files.files.is_empty() {
            return Ok(None);
        }
        let (wake, woken) = mpsc::channel();
        let log = tracing::dispatcher::get_default(Clone::clone);
        thread::Builder::new().name("goptri-files".to_owned()).spawn(move || {
            tracing::dispatcher::with_default(&log, || {
                let SecretFiles { environment, files } = files;
                let mut known: BTreeMap<PathBuf, Contents> = files.into_iter().collect();
                let mut seen_once = None;
                loop {
                    let asked = match woken.recv_timeout(POLL) {
                        Err(RecvTimeoutError::Disconnected) => return,
                        Err(RecvTimeoutError::Timeout) => None,
                        Ok(asked) => Some(asked),
                    };
                    let looked = Looked::at(known.keys());
                    let seen = looked.0.iter().map(|(path, read)| (path.clone(), contents(read))).collect();
                    // Whoever asks knows that they are whole.
                    if asked.is_some() || (seen != known && seen_once.as_ref() == Some(&seen)) {
                        known.clone_from(&seen);
                        read_again(&environment, &looked, &mut reread);
                    }
                    seen_once = Some(seen);
                }
            });
        })?;
        Ok(Some(Self { wake }))
    }

    /// Reads them again at once, changed or not. What is returned ends once that is done.
    pub fn reload_now(&self) -> Receiver<()> {
        let (done, until_done) = mpsc::channel();
        // Whoever looks at the files is there for as long as this is.
        let _ = self.wake.send(done);
        until_done
    }
}

/// Takes what was seen, and not what is there a moment later: that would have been seen once only.
fn read_again(environment: &Environment, looked: &Looked, reread: &mut impl FnMut(&Settings<'_>)) {
    let settings = Settings::having_looked_at(environment, looked);
    reread(&settings);
    if let Err(SettingErrors(faults)) = settings.into_result(Some(())) {
        for fault in faults {
            tracing::error!(
                variable = fault.variable,
                problem = fault.problem,
                "what a file holds now cannot be used; what it held before stays in use"
            );
        }
    }
}
