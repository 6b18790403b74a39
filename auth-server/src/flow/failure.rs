//! Why a use case did not do what was asked: refused by a rule, by a store that is away, or by a fault here.

use std::error::Error;
use std::fmt;

use auth_store::StoreError;
use goptri::{ProtocolError, SigningError};

pub(crate) const NOT_MIGRATED: ProtocolError =
    ProtocolError::new(503, "not_migrated", "The database lacks migrations; run auth-server migrate.")
        .retry_after(5);

/// The one failure of handlers and flows. Its text is for the log: it has the whole cause.
#[derive(Debug)]
pub enum Failure {
    /// The client is told which rule.
    Refused(ProtocolError),
    /// The store could not.
    Store(StoreError),
    /// A fault here.
    Internal(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Wraps what should not have happened.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// What the client is told: never why the store or this program failed.
    pub fn public_error(&self) -> ProtocolError {
        match self {
            Self::Refused(error) => error.clone(),
            Self::Store(StoreError::Unavailable(_)) => ProtocolError::UNAVAILABLE,
            Self::Store(StoreError::NotMigrated(_)) => NOT_MIGRATED,
            Self::Store(_) | Self::Internal(_) => ProtocolError::SERVER_ERROR,
        }
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        Self::internal(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outermost: &dyn Error = match self {
            Self::Refused(error) => error,
            Self::Store(error) => error,
            Self::Internal(error) => error.as_ref(),
        };
        write!(f, "{outermost}")?;
        let mut cause = outermost.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Failure {}
