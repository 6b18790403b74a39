//! Reads secrets from variables and files: each must be strong, and serve one purpose only.

use zeroize::Zeroizing;

use crate::WeakSecret;
use crate::file_snapshot::content_hash;
use crate::file_watch::SecretFiles;
use crate::secret::{Plain, SecretKind};
use crate::settings::{AnySecret, Settings};
use crate::text_file;

impl Settings<'_> {
    /// Reads secrets separated by commas from `NAME` or the file `NAME_FILE`: the first signs, all verify. `None` means
    /// that an error was reported.
    pub fn secrets<K: SecretKind>(&self, variable: &'static str) -> Option<(Plain<K>, Vec<Plain<K>>)> {
        let text = self.secret_text(variable)?;
        let mut all: Vec<Plain<K>> =
            text.expose().split(',').map(|secret| Plain::new(secret.to_owned())).collect();
        if let Some(weak) = all.iter().find_map(|secret| WeakSecret::check(secret.expose()).err()) {
            self.report(variable, weak);
            // Recorded although it is invalid, so that a duplicate in another variable is found.
            let any = |secret: Plain<K>| (variable, Plain::new(secret.expose().to_owned()));
            self.secrets.borrow_mut().extend(all.into_iter().map(any));
            return None;
        }
        if all.iter().filter(|secret| !self.record_if_new(variable, secret.expose())).count() > 0 {
            return None;
        }
        let first = all.remove(0);
        Some((first, all))
    }

    /// Returns whether `NAME` or `NAME_FILE` is set, valid or not.
    pub fn has_secret(&self, variable: &str) -> bool {
        self.is_set(variable) || self.is_set(&format!("{variable}_FILE"))
    }

    /// Reads and parses `NAME`, the contents of the file `NAME_FILE`, or `default`, for a value that may contain a
    /// secret. `None` means that an error was reported.
    pub fn text_or_file<T>(
        &self,
        variable: &str,
        default: &str,
        parse: impl FnOnce(String) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.read(variable).map_err(|(at, problem)| self.report(&at, problem)).ok()?;
        parse(text.map_or_else(|| default.to_owned(), |mut text| std::mem::take(&mut *text)))
            .map_err(|problem| self.report(variable, problem))
            .ok()
    }

    fn secret_text(&self, variable: &str) -> Option<Plain<AnySecret>> {
        match self.read(variable) {
            Ok(Some(mut text)) => Some(Plain::new(std::mem::take(&mut *text))),
            Ok(None) => {
                self.report(
                    variable,
                    format!("is not set, nor is {variable}_FILE. `auth-server secrets` prints good ones"),
                );
                None
            }
            Err((at, problem)) => {
                self.report(&at, problem);
                None
            }
        }
    }

    /// The text of `NAME`, or of the file `NAME_FILE` without one trailing line ending (LF or CRLF). An error comes
    /// with the name of the variable that causes it.
    fn read(&self, variable: &str) -> Result<Option<Zeroizing<String>>, (String, String)> {
        let file_variable = format!("{variable}_FILE");
        match (self.environment.get(variable), self.environment.get(&file_variable)) {
            (text, None) => match text.and_then(text_file::encoding_problem) {
                None => Ok(text.map(|text| Zeroizing::new(text.to_owned()))),
                Some(problem) => Err((variable.to_owned(), problem.to_owned())),
            },
            (None, Some(path)) => match self.read_secret_file(&file_variable, path) {
                Ok(text) => Ok(Some(text)),
                Err(problem) => Err((file_variable, problem)),
            },
            (Some(_), Some(_)) => {
                Err((variable.to_owned(), format!("and {file_variable} are both set; set only one of them")))
            }
        }
    }

    fn read_secret_file(&self, variable: &str, path: &str) -> Result<Zeroizing<String>, String> {
        let mut text = self.read_file(path)?;
        self.warn_if_world_readable(variable, path);
        let end =
            text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
        text.truncate(end);
        if text.is_empty() {
            return Err(format!("names the file {path:?}, which is empty"));
        }
        Ok(text)
    }

    /// Logs a warning if every user of this machine can read the file, which has a secret or a private key.
    pub fn warn_if_world_readable(&self, variable: &str, path: &str) {
        if text_file::is_world_readable(path) {
            tracing::warn!(
                variable,
                path,
                "every user of this machine can read this file; `chmod 600` it, or mount it with defaultMode 0400"
            );
        }
    }

    /// Returns the contents of a file and adds the file to [`secret_files`](Self::secret_files).
    ///
    /// # Errors
    /// A clause that follows the name of a variable.
    pub fn read_file(&self, path: &str) -> Result<Zeroizing<String>, String> {
        let read;
        let bytes = if let Some(bytes) = self.snapshot.and_then(|snapshot| snapshot.get(path)) {
            bytes
        } else {
            read = text_file::read(path);
            &read
        };
        self.files.borrow_mut().push((path.into(), content_hash(bytes)));
        text_file::text_of(path, bytes.as_ref())
    }

    /// The files that were read so far, to be watched.
    pub fn secret_files(&self) -> SecretFiles {
        SecretFiles::new(self.environment.clone(), self.files.borrow().clone())
    }

    /// Records the secret. Returns `false`, and reports an error, if it was read before.
    fn record_if_new(&self, variable: &'static str, secret: &str) -> bool {
        let mut known = self.secrets.borrow_mut();
        let twin = known.iter().find(|(_, known)| known.expose() == secret).map(|(other, _)| *other);
        known.push((variable, Plain::new(secret.to_owned())));
        match twin {
            None => return true,
            Some(other) if other == variable => self.report(variable, "has the same secret twice"),
            Some(other) => {
                self.duplicated.borrow_mut().push(other);
                self.report(variable, format!("is identical to {other}"));
            }
        }
        false
    }

    /// Returns whether a variable that was read later has the same secret as `variable`, which is an error of the later
    /// one. On a reload, keep the previous secrets of both in that case: either may be the wrong one.
    pub fn is_duplicated(&self, variable: &str) -> bool {
        self.duplicated.borrow().contains(&variable)
    }
}
