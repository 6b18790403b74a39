//! The environment, read once: the process's variables over those of `.env` in the working directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// Variables by name. Its `Debug` shows names only, for many values are secret.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// The `.env` file is there, but is not understood.
#[derive(Debug, thiserror::Error)]
#[error("the file .env in the working directory cannot be read as NAME=value lines{0}")]
pub struct EnvironmentError(String);

impl Environment {
    /// Reads `.env`, if there is one, and then the process's environment, which wins.
    ///
    /// What is not UTF-8 in a variable becomes U+FFFD, which no setting accepts: left out, it would count as not set.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn load() -> Result<Self, EnvironmentError> {
        let mut variables = BTreeMap::new();
        match dotenvy::from_path_iter(".env") {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line.map_err(|error| EnvironmentError(hint(&error)))?;
                    variables.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(EnvironmentError(hint(&error))),
        }
        let in_text = |text: OsString| text.to_string_lossy().into_owned();
        variables.extend(std::env::vars_os().map(|(name, value)| (in_text(name), in_text(value))));
        Ok(Self { variables })
    }

    /// Just these variables, for tests and for tools that set their own.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// Sets what is not set yet.
    #[must_use]
    pub fn or_default(mut self, name: &str, value: &str) -> Self {
        if self.get(name).is_none() {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The value of `name`. An empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Where in the file the fault is, without showing the line, which may hold a secret.
fn hint(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, column) => format!(": one line breaks off at column {column}"),
        dotenvy::Error::Io(error) => format!(": {error}"),
        _ => String::new(),
    }
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
            Environment::from_pairs([("A", ""), ("B", "x")]).or_default("A", "y").or_default("B", "y");
        assert_eq!((environment.get("A"), environment.get("B")), (Some("y"), Some("x")));
    }
}
