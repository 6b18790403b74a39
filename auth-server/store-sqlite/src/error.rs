//! Errors of SQLite and of the driver: which [`StoreError`] each one is, and how it is described to an operator.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use auth_store::StoreError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

use crate::fate::Failure;

// Primary result codes, see sqlite.org/rescode.html.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
pub(crate) const NO_MEMORY: i32 = 7;
pub(crate) const READ_ONLY: i32 = 8;
pub(crate) const IO_ERROR: i32 = 10;
pub(crate) const CORRUPT: i32 = 11;
pub(crate) const FULL: i32 = 13;
pub(crate) const CANNOT_OPEN: i32 = 14;
pub(crate) const PROTOCOL: i32 = 15;
pub(crate) const NOT_A_DATABASE: i32 = 26;

/// An error with the path of the file. Displays as one sentence: the path, one cause, and a remedy if there is one.
#[derive(Debug)]
pub(crate) struct DatabaseError {
    path: PathBuf,
    migration: Option<i64>,
    failure: Failure,
}

impl DatabaseError {
    pub(crate) fn new(path: &Path, error: Error) -> Self {
        Self::of_verb(path, Failure::Statement(error))
    }

    pub(crate) fn of_verb(path: &Path, failure: Failure) -> Self {
        Self { path: path.to_owned(), migration: None, failure }
    }

    fn error(&self) -> &Error {
        let (Failure::Statement(error) | Failure::Commit(error)) = &self.failure;
        error
    }

    /// An error of the operating system about the file or its folder, before SQLite opens it.
    pub(crate) fn of_file(path: &Path, error: io::Error) -> Self {
        Self::new(path, Error::Io(error))
    }

    /// An error of the migrator, which may be an error of one migration.
    pub(crate) fn of_migrator(path: &Path, error: MigrateError) -> Self {
        let (migration, error) = match error {
            MigrateError::Execute(error) => (None, error),
            MigrateError::ExecuteMigration(error, version) => (Some(version), error),
            other => (None, Error::Migrate(Box::new(other))),
        };
        Self { path: path.to_owned(), migration, failure: Failure::Statement(error) }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        if is_transient(error.error()) {
            Self::Unavailable(Box::new(error))
        } else if error.migration.is_none() && lacks_schema(error.error()) {
            Self::NotMigrated(Box::new(error))
        } else {
            Self::Conflict(Box::new(error))
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLite file {}: ", self.path.display())?;
        if let Some(version) = self.migration {
            write!(f, "migration {version}: ")?;
        }
        let (cause, remedy) = describe(self.error());
        f.write_str(&cause)?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "; {remedy}") }
    }
}

impl std::error::Error for DatabaseError {}

/// The cause without a full stop, and what the operator can do about it.
fn describe(error: &Error) -> (String, &'static str) {
    match error {
        Error::Io(cause) => match cause.kind() {
            ErrorKind::NotFound => {
                ("its folder does not exist".to_owned(), "create the folder, or correct DATABASE_URL")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                ("it cannot be written".to_owned(), WRITABLE)
            }
            ErrorKind::IsADirectory => ("it is a folder".to_owned(), "name a file in DATABASE_URL"),
            _ => (cause.to_string(), ""),
        },
        Error::PoolTimedOut => ("no connection became free within 3 s".to_owned(), ""),
        Error::PoolClosed => ("the store is closed".to_owned(), ""),
        Error::Migrate(cause) => (cause.to_string(), ""),
        Error::Database(cause) => (cause.message().to_owned(), remedy(code(error))),
        _ => (error.to_string(), ""),
    }
}

const WRITABLE: &str = "make the file and its folder writable for the user that runs the server";

fn remedy(code: Option<i32>) -> &'static str {
    match code {
        Some(BUSY | LOCKED) => "another process is writing; try again",
        Some(READ_ONLY | CANNOT_OPEN) => WRITABLE,
        Some(FULL) => "free some disk space",
        Some(NOT_A_DATABASE) => "name another file in DATABASE_URL",
        _ => "",
    }
}

/// Whether another connection held the lock for too long.
pub(crate) fn is_busy(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    cause.downcast_ref::<DatabaseError>().is_some_and(|error| code(error.error()) == Some(BUSY))
}

/// Whether a table or column is missing: SQLite has no result codes for these.
fn lacks_schema(error: &Error) -> bool {
    let missing =
        |message: &str| message.starts_with("no such table") || message.starts_with("no such column");
    error.as_database_error().is_some_and(|error| missing(error.message()))
}

/// Whether a retry may succeed later without a change to this program or its configuration.
fn is_transient(error: &Error) -> bool {
    match error {
        Error::Io(cause) => !matches!(
            cause.kind(),
            ErrorKind::NotFound
                | ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::IsADirectory
        ),
        Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed
        | Error::InvalidSavePointStatement => true,
        Error::Database(_) => code(error).is_some_and(is_transient_code),
        _ => false,
    }
}

fn is_transient_code(code: i32) -> bool {
    // Another process holds the file, or the disk has a problem.
    matches!(code, BUSY | LOCKED | NO_MEMORY | READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN | PROTOCOL)
}

/// The primary result code, which is the lowest byte of the extended one.
pub(crate) fn code(error: &Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_error(error: Error) -> StoreError {
        DatabaseError::new(Path::new("test.db"), error).into()
    }

    #[test]
    fn transient_errors_are_told_from_lasting_ones() {
        for transient in [5, 6, 7, 8, 10, 13, 14, 15] {
            assert!(is_transient_code(transient), "{transient}");
        }
        for lasting in [0, 1, 11, 19, 20, 26] {
            assert!(!is_transient_code(lasting), "{lasting}");
        }
        assert!(matches!(store_error(Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(Error::RowNotFound), StoreError::Conflict(_)));
    }

    #[test]
    fn a_file_or_folder_that_cannot_be_written_is_named_with_a_remedy() {
        let error = store_error(Error::Io(ErrorKind::PermissionDenied.into()));
        assert_eq!(
            error.to_string(),
            "the database refused: SQLite file test.db: it cannot be written; make the file and its folder writable for \
             the user that runs the server"
        );
    }
}
