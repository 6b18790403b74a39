//! Which of the store's failures an error of the engine is: whether to try again later, or to look into it.

use auth_store::StoreError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

/// What the caller learns. Neither SQLite nor the driver repeats bound values in what they say of themselves.
pub(crate) fn store_error(error: Error) -> StoreError {
    if is_transient(&error) {
        StoreError::Unavailable(Box::new(error))
    } else if lacks_schema(&error) {
        StoreError::NotMigrated(Box::new(error))
    } else {
        StoreError::Conflict(Box::new(error))
    }
}

/// What the caller learns when a migration did not go through.
pub(crate) fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => store_error(error),
        MigrateError::ExecuteMigration(ref cause, _) if is_transient(cause) => {
            StoreError::Unavailable(Box::new(error))
        }
        error => StoreError::Conflict(Box::new(error)),
    }
}

/// Whether the schema is not there, or an older one: SQLite has no codes of their own for these.
fn lacks_schema(error: &Error) -> bool {
    let missing =
        |message: &str| message.starts_with("no such table") || message.starts_with("no such column");
    error.as_database_error().is_some_and(|error| missing(error.message()))
}

/// Whether the same may well succeed later, without anybody changing anything here.
fn is_transient(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => true,
        Error::Database(_) => code(error).is_some_and(is_transient_code),
        _ => false,
    }
}

fn is_transient_code(code: i32) -> bool {
    // Busy, locked, out of memory, read-only, input or output, full, cannot open, protocol: the file is held by
    // others, or the disk is.
    matches!(code, 5 | 6 | 7 | 8 | 10 | 13 | 14 | 15)
}

/// The primary result code; the driver gives the extended one, which has it in its lowest byte.
fn code(error: &Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_look_into() {
        for passing in [5, 6, 7, 8, 10, 13, 14, 15] {
            assert!(is_transient_code(passing), "{passing}");
        }
        for lasting in [0, 1, 11, 19, 20, 26] {
            assert!(!is_transient_code(lasting), "{lasting}");
        }
        assert!(matches!(store_error(Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(Error::RowNotFound), StoreError::Conflict(_)));
    }
}
