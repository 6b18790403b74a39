//! Why a flow or a handler returned nothing: a rule rejected the request, or the server failed.

use std::error::Error;
use std::fmt;

use auth_store::StoreError;
use goptri::ProtocolError;
use goptri::keys::SigningError;

use super::catalogue::NOT_MIGRATED;
use crate::hashing::HashingError;

/// How many seconds a client waits after [`HashingError::Busy`]; a full queue is worked off in that time.
const RETRY_AFTER_BUSY: u32 = 5;

/// The failure of a flow that rejects with `R`, and of handlers, which reject with a row of the catalogue.
///
/// Its text is for the log and contains the whole chain of causes.
#[derive(Debug)]
pub enum Failure<R = ProtocolError> {
    /// A rule forbids it.
    Refused(R),
    /// The store did not answer, or cannot be used.
    Store(StoreError),
    /// The password was not hashed.
    Hashing(HashingError),
    /// A defect of this program.
    Internal(Box<dyn Error + Send + Sync>),
}

/// Why a flow rejects: one of its outcomes, which maps to one row of the catalogue.
pub trait Refusal: Error {
    /// What the client gets. It may say less than the refusal.
    fn protocol_error(&self) -> ProtocolError;
}

impl<R> Failure<R> {
    /// Wraps an error that no input should cause.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The same failure with another refusal.
    pub fn map_refusal<S>(self, map: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refused) => Failure::Refused(map(refused)),
            Self::Store(error) => Failure::Store(error),
            Self::Hashing(error) => Failure::Hashing(error),
            Self::Internal(error) => Failure::Internal(error),
        }
    }
}

impl<R: Refusal> Failure<R> {
    /// Whether the request may have been right: the server failed (5xx).
    pub(crate) fn is_server_failure(&self) -> bool {
        match self {
            Self::Refused(refused) => refused.protocol_error().status >= 500,
            Self::Store(_) | Self::Hashing(_) | Self::Internal(_) => true,
        }
    }
}

impl Failure {
    /// What the client gets. Never says why the store or this program failed.
    pub fn public_error(&self) -> ProtocolError {
        match self {
            Self::Refused(error) => error.clone(),
            Self::Store(StoreError::Unavailable(_)) => ProtocolError::UNAVAILABLE,
            Self::Store(StoreError::NotMigrated(_)) => NOT_MIGRATED,
            Self::Hashing(HashingError::Busy) => {
                ProtocolError::UNAVAILABLE.with_retry_after(RETRY_AFTER_BUSY)
            }
            Self::Store(_) | Self::Hashing(_) | Self::Internal(_) => ProtocolError::SERVER_ERROR,
        }
    }
}

impl<R: Refusal> From<R> for Failure<R> {
    fn from(refused: R) -> Self {
        Self::Refused(refused)
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Refused(error)
    }
}

impl<R: Refusal> From<Failure<R>> for Failure {
    fn from(failure: Failure<R>) -> Self {
        failure.map_refusal(|refused| refused.protocol_error())
    }
}

impl<R> From<StoreError> for Failure<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<R> From<HashingError> for Failure<R> {
    fn from(error: HashingError) -> Self {
        Self::Hashing(error)
    }
}

impl<R> From<SigningError> for Failure<R> {
    fn from(error: SigningError) -> Self {
        Self::internal(error)
    }
}

impl<R: Error> fmt::Display for Failure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => fmt::Display::fmt(refused, f),
            Self::Store(error) => CauseChain(error).fmt(f),
            Self::Hashing(error) => CauseChain(error).fmt(f),
            Self::Internal(error) => CauseChain(error.as_ref()).fmt(f),
        }
    }
}

impl<R: Error> Error for Failure<R> {}

/// Shows an error and its causes, for the log.
pub(crate) struct CauseChain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for CauseChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SignInRefused;

    /// PW-12
    #[test]
    fn a_full_hashing_queue_is_a_503_that_says_when_to_retry() {
        let failure: Failure<SignInRefused> = HashingError::Busy.into();
        assert!(failure.is_server_failure());
        let error = Failure::from(failure).public_error();
        assert_eq!((error.status, error.retry_after), (503, Some(5)));
    }

    #[test]
    fn the_client_gets_no_detail_of_a_failure_and_the_log_gets_the_cause() {
        let failure: Failure = StoreError::Unavailable("10.0.0.7 refused".into()).into();
        assert_eq!(failure.public_error(), ProtocolError::UNAVAILABLE);
        assert_eq!(failure.to_string(), "the database is not available: 10.0.0.7 refused");
        let failure: Failure = Failure::internal("a bug");
        assert_eq!(failure.public_error(), ProtocolError::SERVER_ERROR);
    }
}
