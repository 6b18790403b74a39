//! What an error of SQLite or of the driver means for the connection that it came from.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use auth_store::{Fate, PoolError};
use sqlx::Error;

use crate::error::{self, code};

/// Why a verb failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A statement, or opening the file.
    Statement(Error),
    /// A COMMIT.
    Commit(Error),
}

/// The fate of the connections after an error. No other place decides it.
pub(crate) fn fate(failure: &Failure) -> Fate {
    match failure {
        Failure::Statement(error) => fate_of_error(error),
        // The transaction may be open or rolled back.
        Failure::Commit(error) => match fate_of_error(error) {
            Fate::Keep => Fate::Close,
            fate => fate,
        },
    }
}

fn fate_of_error(error: &Error) -> Fate {
    match error {
        Error::Io(_) | Error::WorkerCrashed => Fate::Lost,
        Error::BeginFailed | Error::InvalidSavePointStatement => Fate::Close,
        Error::Database(_) => code(error).map_or(Fate::Keep, fate_of_code),
        _ => Fate::Keep,
    }
}

/// By primary result code, see sqlite.org/rescode.html.
fn fate_of_code(code: i32) -> Fate {
    match code {
        // The statement is rolled back, and often the transaction too, without the driver's knowledge. A file that could
        // not be opened for writing stays read-only for its connection.
        error::READ_ONLY
        | error::IO_ERROR
        | error::CORRUPT
        | error::FULL
        | error::CANNOT_OPEN
        | error::PROTOCOL
        | error::NOT_A_DATABASE => Fate::Lost,
        error::NO_MEMORY => Fate::Close,
        _ => Fate::Keep,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Statement(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Statement(match error {
            PoolError::Busy => Error::PoolTimedOut,
            // No other server takes over from a file.
            PoolError::Closed | PoolError::Abandoned => Error::PoolClosed,
            PoolError::NoAnswer(limit) => no_answer(limit),
        })
    }
}

fn no_answer(limit: Duration) -> Error {
    let text = format!("no answer within {} s", limit.as_secs_f64().ceil());
    Error::Io(std::io::Error::new(ErrorKind::TimedOut, text))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Statement(error) | Self::Commit(error)) = self;
        error.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_its_connection_and_the_others_are_fit() {
        let table: [(Fate, &[i32]); 3] = [
            (Fate::Keep, &[0, 1, 5, 6, 9, 19, 20]),
            (Fate::Close, &[7]),
            (Fate::Lost, &[8, 10, 11, 13, 14, 15, 26]),
        ];
        for (fate, codes) in table {
            for code in codes {
                assert_eq!(fate_of_code(*code), fate, "{code}");
            }
        }
    }

    #[test]
    fn an_error_of_the_driver_says_so_too() {
        let table = [
            (Fate::Keep, Failure::Statement(Error::RowNotFound)),
            (Fate::Close, Failure::Commit(Error::RowNotFound)),
            (Fate::Close, Failure::Statement(Error::BeginFailed)),
            (Fate::Close, Failure::Statement(Error::InvalidSavePointStatement)),
            (Fate::Lost, Failure::Statement(Error::WorkerCrashed)),
            (Fate::Lost, PoolError::NoAnswer(Duration::from_secs(1)).into()),
        ];
        for (expected, failure) in table {
            assert_eq!(fate(&failure), expected, "{failure:?}");
        }
    }
}
