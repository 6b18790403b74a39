//! Why a command failed, in one sentence, and the code that the process exits with.

use std::fmt;
use std::process::ExitCode;

use auth_store::StoreError;
use goptri_settings::{EnvironmentError, SettingErrors};

use crate::error::{CauseChain, Failure};
use crate::hashing::HashingError;

/// A command that failed.
#[derive(Debug)]
pub enum Failed {
    /// The configuration cannot be used. Exits with 2.
    Configuration(String),
    /// Anything else. Exits with 1.
    Because(String),
}

impl Failed {
    /// With the reason in words.
    pub fn because(reason: impl fmt::Display) -> Self {
        Self::Because(reason.to_string())
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Configuration(_) => 2,
            Self::Because(_) => 1,
        })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(reason) | Self::Because(reason) => f.write_str(reason),
        }
    }
}

impl From<SettingErrors> for Failed {
    fn from(faults: SettingErrors) -> Self {
        Self::Configuration(faults.to_string())
    }
}

impl From<EnvironmentError> for Failed {
    fn from(error: EnvironmentError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl<R: std::error::Error> From<Failure<R>> for Failed {
    fn from(failure: Failure<R>) -> Self {
        Self::because(failure)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::because(CauseChain(&error))
    }
}

impl From<HashingError> for Failed {
    fn from(error: HashingError) -> Self {
        Self::because(CauseChain(&error))
    }
}
