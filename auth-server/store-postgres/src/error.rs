//! Which of the store's failures an error of the engine is: whether to try again later, or to look into it.

use auth_store::StoreError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

/// `undefined_table`: what a database that was never migrated answers.
const UNDEFINED_TABLE: &str = "42P01";

/// `undefined_column`: what a database answers that an older program migrated.
const UNDEFINED_COLUMN: &str = "42703";

/// `feature_not_supported`, which is how "cached plan must not change result type" arrives.
const STALE_PLAN: &str = "0A000";

/// `deadlock_detected`: Postgres undid the statement so that somebody else could go on.
const DEADLOCK: &str = "40P01";

/// What the caller learns. Neither Postgres nor the driver repeats bound values in what they say of themselves.
pub(crate) fn store_error(error: Error) -> StoreError {
    if is_transient(&error) {
        StoreError::Unavailable(Box::new(error))
    } else if is_undefined_table(&error) || code(&error).is_some_and(|code| code == UNDEFINED_COLUMN) {
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

/// Whether the schema is not there at all.
pub(crate) fn is_undefined_table(error: &Error) -> bool {
    code(error).is_some_and(|code| code == UNDEFINED_TABLE)
}

/// Whether the connection has a plan from before a migration changed a column. The driver keeps it for good, so
/// that only another connection helps.
pub(crate) fn is_stale_plan(error: &Error) -> bool {
    code(error).is_some_and(|code| code == STALE_PLAN)
}

/// Whether the same is worth trying at once.
pub(crate) fn is_deadlock(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    cause.downcast_ref::<Error>().and_then(code).is_some_and(|code| code == DEADLOCK)
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
        Error::Database(_) => code(error).is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

fn is_transient_code(code: &str) -> bool {
    // By class: connections, rollbacks forced by others, full resources, an administrator's hand, the system's faults.
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "57" | "58")
        // Read-only, as a standby is until it has been promoted; a lock that was not to be had; the stale plan.
        || matches!(code, "25006" | "55P03" | STALE_PLAN)
}

fn code(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_look_into() {
        for passing in [
            "57P01", "57P02", "57P03", "57014", "53300", "53100", "40001", "40P01", "08006", "25006", "58030",
        ] {
            assert!(is_transient_code(passing), "{passing}");
        }
        for lasting in ["23505", "23503", "23514", "42P01", "42601", "22008", "28P01", "3D000", "42501", ""] {
            assert!(!is_transient_code(lasting), "{lasting}");
        }
        assert!(matches!(store_error(Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(Error::RowNotFound), StoreError::Conflict(_)));
    }
}
