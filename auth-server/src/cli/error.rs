//! Why a command failed: a code, a sentence, and the exit code of the process.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use auth_store::StoreError;
use goptri::TokenError;
use goptri_settings::{EnvironmentError, SettingErrors};
use serde_json::{Value, json};

use crate::error::{
    CauseChain, Failure, ManageClientRefused, ManageScopeRefused, ManageUserRefused, Refusal, RegisterRefused,
};
use crate::hashing::HashingError;

/// A command that failed.
#[derive(Debug)]
pub enum CliError {
    /// The configuration cannot be used. Exits with 2.
    Configuration(String),
    /// Any other error. Exits with 1.
    Other {
        /// A stable code for scripts, as in the bodies of HTTP errors where there is one.
        code: String,
        /// A sentence for the operator.
        message: String,
    },
    /// The result on standard output says what is wrong. Exits with 1.
    Reported {
        /// Whether the configuration is wrong: exits with 2 instead.
        configuration: bool,
    },
}

impl CliError {
    pub(super) fn new(code: &str, message: impl fmt::Display) -> Self {
        Self::Other { code: code.to_owned(), message: message.to_string() }
    }

    /// The arguments of the command do not fit together.
    pub(super) fn arguments(message: impl fmt::Display) -> Self {
        Self::new("invalid_arguments", message)
    }

    /// A file or a stream cannot be read or written.
    pub(super) fn io(error: impl fmt::Display) -> Self {
        Self::new("io_error", error)
    }

    fn of_flow<R: Error>(failure: Failure<R>, code: impl FnOnce(&R) -> &'static str) -> Self {
        match failure {
            Failure::Refused(refused) => Self::new(code(&refused), refused),
            Failure::Store(error) => error.into(),
            Failure::Hashing(error) => error.into(),
            Failure::Internal(error) => Self::new("server_error", CauseChain(error.as_ref())),
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Configuration(_) | Self::Reported { configuration: true } => 2,
            Self::Other { .. } | Self::Reported { configuration: false } => 1,
        })
    }

    pub(super) fn to_json(&self) -> Value {
        let code = match self {
            Self::Configuration(_) => "invalid_configuration",
            Self::Other { code, .. } => code,
            Self::Reported { .. } => "reported",
        };
        json!({ "error": code, "error_description": self.to_string() })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(message) | Self::Other { message, .. } => f.write_str(message),
            Self::Reported { .. } => Ok(()),
        }
    }
}

impl From<SettingErrors> for CliError {
    fn from(errors: SettingErrors) -> Self {
        Self::Configuration(errors.to_string())
    }
}

impl From<EnvironmentError> for CliError {
    fn from(error: EnvironmentError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Unavailable(_) => "temporarily_unavailable",
            StoreError::NotMigrated(_) => "not_migrated",
            StoreError::Unsuitable(_) => "unsuitable_database",
            StoreError::Conflict(_) | StoreError::Corrupt { .. } => "server_error",
        };
        Self::new(code, CauseChain(&error))
    }
}

impl From<HashingError> for CliError {
    fn from(error: HashingError) -> Self {
        Self::new("server_error", CauseChain(&error))
    }
}

impl From<Failure<ManageUserRefused>> for CliError {
    fn from(failure: Failure<ManageUserRefused>) -> Self {
        Self::of_flow(failure, |refused| match refused {
            ManageUserRefused::UnknownUser => "not_found",
            ManageUserRefused::InvalidEmail(_) => "invalid_email",
            ManageUserRefused::EmailTaken => "email_taken",
            ManageUserRefused::Password(_) => "weak_password",
        })
    }
}

impl From<Failure<RegisterRefused>> for CliError {
    fn from(failure: Failure<RegisterRefused>) -> Self {
        Self::of_flow(failure, |refused| refused.protocol_error().code)
    }
}

impl From<Failure<TokenError>> for CliError {
    fn from(failure: Failure<TokenError>) -> Self {
        Self::of_flow(failure, |_| "invalid_token")
    }
}

impl From<Failure<ManageClientRefused>> for CliError {
    fn from(failure: Failure<ManageClientRefused>) -> Self {
        Self::of_flow(failure, |refused| match refused {
            ManageClientRefused::Unknown => "not_found",
            ManageClientRefused::IdTaken => "id_taken",
            ManageClientRefused::UnknownScope(_) => "unknown_scope",
            ManageClientRefused::Changed => "changed_meanwhile",
            ManageClientRefused::Invalid(_)
            | ManageClientRefused::TwiceInFile(_)
            | ManageClientRefused::AddedByOperator(_)
            | ManageClientRefused::InvalidInFile { .. } => "invalid_client",
            ManageClientRefused::NoSecrets
            | ManageClientRefused::TwoSecrets
            | ManageClientRefused::OneSecret => "invalid_secrets",
        })
    }
}

impl From<Failure<ManageScopeRefused>> for CliError {
    fn from(failure: Failure<ManageScopeRefused>) -> Self {
        Self::of_flow(failure, |refused| match refused {
            ManageScopeRefused::Unknown => "not_found",
            ManageScopeRefused::BuiltIn | ManageScopeRefused::Name | ManageScopeRefused::Description => {
                "invalid_scope"
            }
        })
    }
}
