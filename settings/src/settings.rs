//! Reads typed settings out of the environment and reports every fault at once, by the variable's name.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::Environment;
use crate::secret::{Plain, SecretKind};
use crate::secret_files::{Contents, Looked};

/// Reads settings; a fault is noted and the reading goes on, so that all are found in one go.
pub struct Settings<'a> {
    pub(crate) environment: &'a Environment,
    faults: RefCell<Vec<SettingError>>,
    pub(crate) secrets: RefCell<Vec<(&'static str, Plain<Any>)>>,
    /// Whose secret is also another's.
    pub(crate) duplicated: RefCell<Vec<&'static str>>,
    pub(crate) files: RefCell<Vec<(PathBuf, Contents)>>,
    /// What these hold is not read, but what was seen of them.
    pub(crate) looked: Option<&'a Looked>,
}

impl fmt::Debug for Settings<'_> {
    /// The names of files, and not what they hash to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("environment", &self.environment)
            .field("faults", &self.faults.borrow())
            .field("files", &self.secret_files())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) enum Any {}
impl SecretKind for Any {
    const NAME: &'static str = "secret";
}

/// One variable that cannot be used, and why. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The variable's name.
    pub variable: String,
    /// A clause that follows the name: `is not set`.
    pub problem: String,
}

/// All that is wrong with a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingErrors(pub Vec<SettingError>);

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|SettingError { variable, problem }| write!(f, "\n  {variable} {problem}"))
    }
}

impl fmt::Debug for SettingErrors {
    /// As in `Display`: it is what `fn main() -> Result<(), SettingErrors>` shows a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SettingErrors {}

impl<'a> Settings<'a> {
    /// Starts reading.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            faults: RefCell::default(),
            secrets: RefCell::default(),
            duplicated: RefCell::default(),
            files: RefCell::default(),
            looked: None,
        }
    }

    /// Starts reading, where these files hold what was seen in them.
    pub(crate) fn having_looked_at(environment: &'a Environment, looked: &'a Looked) -> Self {
        Self { looked: Some(looked), ..Self::new(environment) }
    }

    /// Notes that `variable` cannot be used.
    pub fn report(&self, variable: &str, problem: impl fmt::Display) {
        self.faults
            .borrow_mut()
            .push(SettingError { variable: variable.to_owned(), problem: problem.to_string() });
    }

    /// The variable, or `default`, parsed. `None` means that a fault was noted.
    pub fn value<T, E: fmt::Display>(
        &self,
        variable: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.environment.get(variable).unwrap_or(default);
        parse(text).map_err(|problem| self.report(variable, problem)).ok()
    }

    /// The variable parsed, if it is set: `Some(None)` when it is not, `None` when a fault was noted.
    pub fn optional<T, E: fmt::Display>(
        &self,
        variable: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.environment.get(variable) {
            None => Some(None),
            Some(text) => parse(text).map(Some).map_err(|problem| self.report(variable, problem)).ok(),
        }
    }

    /// The text of the variable, if it is set.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.environment.get(variable)
    }

    /// Whether the variable has a value, good or bad.
    pub fn is_set(&self, variable: &str) -> bool {
        self.environment.get(variable).is_some()
    }

    /// The address to listen on: an IP address and a port.
    pub fn address(&self, variable: &str, default: &str) -> Option<SocketAddr> {
        self.value(variable, default, |text| {
            text.parse()
                .map_err(|_| format!("is {text:?}; it is an IP address and a port, such as {default}"))
        })
    }

    /// `on` or `off`.
    pub fn on_off(&self, variable: &str, default: bool) -> Option<bool> {
        self.value(variable, if default { "on" } else { "off" }, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(format!("is {other:?}; it is either on or off")),
        })
    }

    /// The configuration, if no fault was noted on the way.
    pub fn into_result<T>(self, configuration: Option<T>) -> Result<T, SettingErrors> {
        let faults = self.faults.into_inner();
        match configuration {
            Some(configuration) if faults.is_empty() => Ok(configuration),
            _ => Err(SettingErrors(faults)),
        }
    }
}
