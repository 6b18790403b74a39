//! The environment, read once: the variables of the process, then those of `.env` in the working directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;

use crate::dotenv::{self, EnvironmentError};
use crate::text_file;

const DOTENV: &str = ".env";

/// Variables by name. `Debug` shows names only, because many values are secret.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The names that `.env` assigns.
    dotenv_names: BTreeSet<String>,
    dotenv_is_world_readable: bool,
}

impl Environment {
    /// Reads `.env`, if it exists, and the process's environment, which takes precedence.
    ///
    /// Bytes that are not UTF-8 in a variable become U+FFFD, which [`Settings`](crate::Settings) reject. Skipping the
    /// variable instead would make it look unset.
    ///
    /// # Errors
    /// When `.env` exists but cannot be read or parsed.
    pub fn load() -> Result<Self, EnvironmentError> {
        let mut environment = match text_file::read(DOTENV) {
            Ok(bytes) => Self::from_dotenv(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(EnvironmentError::Unreadable(error)),
        };
        environment.dotenv_is_world_readable = text_file::is_world_readable(DOTENV);
        environment.variables.extend(Self::of_process().variables);
        Ok(environment)
    }

    /// The variables of the process, without `.env`.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let lossy = |text: OsString| text.to_string_lossy().into_owned();
        Self::from_pairs(std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))))
    }

    /// The variables of a `.env` file with this content, which may refer to those of the process.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn from_dotenv(bytes: &[u8]) -> Result<Self, EnvironmentError> {
        let process = Self::of_process();
        let is_set = |name: &str| process.variables.contains_key(name);
        let variables: BTreeMap<_, _> = dotenv::parse(bytes, is_set)?.into_iter().collect();
        Ok(Self { dotenv_names: variables.keys().cloned().collect(), variables, ..Self::default() })
    }

    /// These variables only, for tests and for tools that set their own.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }

    /// Sets the variable if it is not set.
    #[must_use]
    pub fn with_default(mut self, name: &str, value: &str) -> Self {
        if self.get(name).is_none() {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The value of `name`. An empty value counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether every user of this machine can read `.env`.
    pub fn dotenv_is_world_readable(&self) -> bool {
        self.dotenv_is_world_readable
    }

    /// Returns the names that `.env` assigns and that are not in `known`, each with the most similar name of `known`,
    /// if one is similar enough. Variables of the process are not considered: most belong to other programs.
    pub fn unknown_in_dotenv<'k>(&self, known: &[&'k str]) -> Vec<(&str, Option<&'k str>)> {
        let unknown = self.dotenv_names.iter().filter(|name| !known.contains(&name.as_str()));
        unknown.map(|name| (name.as_str(), most_similar(name, known))).collect()
    }
}

fn most_similar<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let upper = name.to_uppercase();
    let distances = known.iter().map(|known| (strsim::osa_distance(&upper, known), *known));
    distances.min().filter(|(distance, known)| *distance <= known.len() / 4).map(|(_, known)| known)
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_no_values() {
        let environment = Environment::from_pairs([("REFRESH_TOKEN_SECRET", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"REFRESH_TOKEN_SECRET"}"#);
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment =
            Environment::from_pairs([("A", ""), ("B", "x")]).with_default("A", "y").with_default("B", "y");
        assert_eq!((environment.get("A"), environment.get("B")), (Some("y"), Some("x")));
    }

    #[test]
    fn an_unknown_name_in_dotenv_is_found_with_the_known_name_that_was_meant() {
        let known = ["REGISTRATION", "REFRESH_GRACE", "REFRESH_ROTATION", "ISSUER"];
        for (name, similar) in [
            ("REGISTRAION", Some("REGISTRATION")),
            ("REGISTRATOIN", Some("REGISTRATION")),
            ("registration", Some("REGISTRATION")),
            ("REFRESH_ROTATE", Some("REFRESH_ROTATION")),
            ("REFRESHGRACE", Some("REFRESH_GRACE")),
            ("ISSUE", Some("ISSUER")),
            ("ISSUED", Some("ISSUER")),
            ("USER", None),
            ("COLOR", None),
        ] {
            let environment = Environment::from_dotenv(format!("{name}=x\nISSUER=y\n").as_bytes()).unwrap();
            assert_eq!(environment.unknown_in_dotenv(&known), [(name, similar)]);
        }
    }

    #[test]
    fn only_names_in_dotenv_can_be_unknown() {
        let environment = Environment::from_pairs([("REGISTRAION", "open")]);
        assert!(environment.unknown_in_dotenv(&["REGISTRATION"]).is_empty());
    }
}
