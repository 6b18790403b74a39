//! Reads typed settings from the environment, and reports all errors together.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::Environment;
use crate::file_snapshot::{ContentHash, FileSnapshot};
use crate::secret::{Plain, SecretKind};
use crate::text_file;

/// Reads settings. An invalid one is recorded and reading continues, so that all errors are found in one run.
pub struct Settings<'a> {
    pub(crate) environment: &'a Environment,
    errors: RefCell<Vec<SettingError>>,
    pub(crate) secrets: RefCell<Vec<(&'static str, Plain<AnySecret>)>>,
    /// The variables whose secret is also that of another variable.
    pub(crate) duplicated: RefCell<Vec<&'static str>>,
    pub(crate) files: RefCell<Vec<(PathBuf, ContentHash)>>,
    /// The snapshot to read files from instead of the disk.
    pub(crate) snapshot: Option<&'a FileSnapshot>,
}

impl fmt::Debug for Settings<'_> {
    /// Shows the paths of files, but not their hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("environment", &self.environment)
            .field("errors", &self.errors.borrow())
            .field("files", &self.secret_files())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) enum AnySecret {}
impl SecretKind for AnySecret {
    const NAME: &'static str = "secret";
}

/// One invalid variable. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The variable's name.
    pub variable: String,
    /// A clause that follows the name: `is not set`.
    pub problem: String,
}

/// All errors of a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingErrors(pub Vec<SettingError>);

/// An error was reported to the [`Settings`], which return it at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported;

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid configuration:")?;
        self.0.iter().try_for_each(|SettingError { variable, problem }| write!(f, "\n  {variable} {problem}"))
    }
}

impl fmt::Debug for SettingErrors {
    /// The same as `Display`, because `fn main() -> Result<(), SettingErrors>` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SettingErrors {}

impl<'a> Settings<'a> {
    /// Reads from `environment`, and from the files that it names.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            errors: RefCell::default(),
            secrets: RefCell::default(),
            duplicated: RefCell::default(),
            files: RefCell::default(),
            snapshot: None,
        }
    }

    /// Reads files from `snapshot` instead of the disk.
    pub(crate) fn from_snapshot(environment: &'a Environment, snapshot: &'a FileSnapshot) -> Self {
        Self { snapshot: Some(snapshot), ..Self::new(environment) }
    }

    /// Reports that `variable` is invalid. `problem` is a clause that follows its name. An error that is reported twice
    /// counts once, so that two parts of a server may read one variable.
    pub fn report(&self, variable: &str, problem: impl fmt::Display) {
        let error = SettingError { variable: variable.to_owned(), problem: problem.to_string() };
        let mut errors = self.errors.borrow_mut();
        if !errors.contains(&error) {
            errors.push(error);
        }
    }

    /// Parses the variable, or `default` if it is not set. `None` means that an error was reported.
    pub fn value<T, E: fmt::Display>(
        &self,
        variable: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable).ok()?;
        parse(text.unwrap_or(default)).map_err(|problem| self.report(variable, problem)).ok()
    }

    /// Parses the variable. `Ok(None)` means that it is not set.
    ///
    /// # Errors
    /// When the variable is invalid.
    pub fn optional<T, E: fmt::Display>(
        &self,
        variable: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Reported> {
        let parsed = self.text(variable)?.map(parse).transpose();
        parsed.map_err(|problem| {
            self.report(variable, problem);
            Reported
        })
    }

    /// The text of the variable. Reports an error if it has traces of another encoding or of CRLF line endings.
    fn text(&self, variable: &str) -> Result<Option<&str>, Reported> {
        let text = self.environment.get(variable);
        match text.and_then(text_file::encoding_problem) {
            None => Ok(text),
            Some(problem) => {
                self.report(variable, problem);
                Err(Reported)
            }
        }
    }

    /// The environment that the settings are read from.
    pub fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// The text of the variable, if it is set.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.environment.get(variable)
    }

    /// Returns whether the variable has a value, valid or not.
    pub fn is_set(&self, variable: &str) -> bool {
        self.environment.get(variable).is_some()
    }

    /// Parses an address to listen on: an IP address and a port. `None` means that an error was reported.
    pub fn address(&self, variable: &str, default: &str) -> Option<SocketAddr> {
        self.value(variable, default, |text| parse_address(text, default))
    }

    /// Parses `on` or `off`. `None` means that an error was reported.
    pub fn on_off(&self, variable: &str, default: bool) -> Option<bool> {
        self.value(variable, if default { "on" } else { "off" }, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(format!("is {other:?}; it must be on or off")),
        })
    }

    /// Returns `configuration`.
    ///
    /// # Errors
    /// All errors that were reported.
    pub fn into_result<T>(self, configuration: Option<T>) -> Result<T, SettingErrors> {
        let errors = self.errors.into_inner();
        match configuration {
            Some(configuration) if errors.is_empty() => Ok(configuration),
            _ => Err(SettingErrors(errors)),
        }
    }
}

/// Parses an IP address and a port.
///
/// # Errors
/// A clause that follows the variable's name, with `example`.
pub fn parse_address(text: &str, example: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("is {text:?}; it must be an IP address and a port, such as {example}"))
}
