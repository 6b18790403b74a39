//! Errors of Postgres and of the driver: which [`StoreError`] each one is, and how it is described to an operator.

use std::borrow::Cow;
use std::fmt;
use std::io::ErrorKind;

use auth_store::StoreError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

use crate::fate::{Failure, NOT_SUPPORTED, is_stale_plan};

/// `undefined_table`: the database was never migrated.
const UNDEFINED_TABLE: &str = "42P01";

/// `undefined_column`: an older program migrated the database.
const UNDEFINED_COLUMN: &str = "42703";

/// `deadlock_detected`: Postgres rolled the transaction back so that another one can continue.
const DEADLOCK: &str = "40P01";

/// The driver normalises the password for SCRAM (RFC 5802, RFC 4013) and does not use it as it is where that fails, as
/// libpq does.
const PASSWORD_NOT_PERMITTED: &str = "the password contains a character that this program cannot use with SCRAM, for \
                                      example an emoji or a control character; give the role another password";

/// An error with the server's address. Displays as one sentence: the address, one cause, and a remedy if there is one.
///
/// Contains no secret: neither Postgres nor the driver repeats the password or bound values.
#[derive(Debug)]
pub(crate) struct DatabaseError {
    server: String,
    migration: Option<i64>,
    failure: Failure,
}

impl DatabaseError {
    pub(crate) fn new(server: String, failure: impl Into<Failure>) -> Self {
        Self { server, migration: None, failure: failure.into() }
    }

    /// An error of the migrator, which may be an error of one migration.
    pub(crate) fn of_migrator(server: String, error: MigrateError) -> Self {
        let (migration, error) = match error {
            MigrateError::Execute(error) => (None, error),
            MigrateError::ExecuteMigration(error, version) => (Some(version), error),
            other => (None, Error::Migrate(Box::new(other))),
        };
        Self { server, migration, failure: Failure::Statement(error) }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        let cause = match &error.failure {
            Failure::Statement(cause) | Failure::Commit(cause) if !is_transient(cause) => cause,
            _ => return Self::Unavailable(Box::new(error)),
        };
        if error.migration.is_none()
            && (has_code(cause, UNDEFINED_TABLE) || has_code(cause, UNDEFINED_COLUMN))
        {
            Self::NotMigrated(Box::new(error))
        } else if has_code(cause, NOT_SUPPORTED) {
            Self::Unsuitable(Box::new(error))
        } else {
            Self::Conflict(Box::new(error))
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            // It names the servers.
            Failure::NoPrimary(_) => f.write_str("PostgreSQL: ")?,
            _ => write!(f, "PostgreSQL at {}: ", self.server)?,
        }
        if let Some(version) = self.migration {
            write!(f, "migration {version}: ")?;
        }
        let (Failure::Statement(error) | Failure::Commit(error)) = &self.failure else {
            return self.failure.fmt(f);
        };
        let (cause, remedy) = describe(error);
        f.write_str(&cause)?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "; {remedy}") }
    }
}

impl std::error::Error for DatabaseError {}

/// A server that cannot be used. Displays as one sentence: the address, one cause, and a remedy.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL at {server}: {cause}")]
pub(crate) struct UnsuitableServer {
    server: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl UnsuitableServer {
    pub(crate) fn new(server: String, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { server, cause: Box::new(cause) }
    }
}

/// Replaces the error of the driver that shows a character of the password.
pub(crate) fn without_secrets(error: Error) -> Error {
    match error {
        Error::Configuration(cause) if cause.to_string().contains("saslprep password") => {
            Error::Configuration(PASSWORD_NOT_PERMITTED.into())
        }
        other => other,
    }
}

/// The cause without a full stop and without a remedy.
pub(crate) fn cause_of(error: &Error) -> String {
    describe(error).0
}

/// The cause without a full stop, and what the operator can do about it.
fn describe(error: &Error) -> (String, &'static str) {
    let text = error.to_string();
    match error {
        Error::Io(cause) => describe_io(cause),
        Error::Tls(cause) if cause.to_string().contains("does not support TLS") => (
            "the server does not support TLS".to_owned(),
            "enable it there, or set sslmode=prefer in DATABASE_URL",
        ),
        Error::Tls(cause) => {
            (format!("TLS failed: {cause}"), "correct sslmode and sslrootcert in DATABASE_URL")
        }
        Error::PoolTimedOut => {
            ("no connection became free within 3 s".to_owned(), "see pg_stat_activity for what they wait for")
        }
        Error::PoolClosed => ("the store is closed".to_owned(), ""),
        Error::Configuration(cause) => (cause.to_string(), ""),
        Error::Migrate(cause) => (cause.to_string(), ""),
        Error::Database(cause) => {
            (cause.message().to_owned(), remedy(&cause.code().unwrap_or_default(), cause.message()))
        }
        _ => (text, ""),
    }
}

fn describe_io(cause: &std::io::Error) -> (String, &'static str) {
    const ADDRESS: &str = "check the host and port in DATABASE_URL, and that no firewall blocks them";
    match cause.kind() {
        ErrorKind::ConnectionRefused => (
            "connection refused".to_owned(),
            "start the server, or correct the host and port in DATABASE_URL",
        ),
        ErrorKind::NotFound => {
            ("the socket does not exist".to_owned(), "start the server, or correct DATABASE_URL")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            ("the host is unreachable".to_owned(), ADDRESS)
        }
        ErrorKind::TimedOut => (cause.to_string(), ADDRESS),
        _ if cause.to_string().contains("lookup") => {
            ("the host name cannot be resolved".to_owned(), "correct the host in DATABASE_URL")
        }
        _ => (cause.to_string(), ""),
    }
}

/// By SQLSTATE, see appendix A of the manual of PostgreSQL.
fn remedy(code: &str, message: &str) -> &'static str {
    match code {
        "28P01" => "correct the user and password in DATABASE_URL",
        "28000" if message.contains("no encryption") || message.contains("SSL off") => {
            "if the server requires TLS, set sslmode=require in DATABASE_URL; else allow the connection in pg_hba.conf"
        }
        "28000" => "correct the user in DATABASE_URL, or allow it in pg_hba.conf",
        "3D000" => "create the database, or correct its name in DATABASE_URL",
        "42501" => {
            "run `auth-server migrate` as a role that may create tables, grant this role select, insert, update and \
             delete on them, and set AUTO_MIGRATE=off"
        }
        "53300" => "raise max_connections, or run fewer servers",
        NOT_SUPPORTED => "this server, or an extension of it, cannot run a statement that auth-server needs",
        "25006" => "connect to the primary, not to a standby, and set no default_transaction_read_only",
        _ => "",
    }
}

/// Whether the schema was never created.
pub(crate) fn is_undefined_table(error: &Error) -> bool {
    has_code(error, UNDEFINED_TABLE)
}

/// Whether the transaction is worth retrying immediately.
pub(crate) fn is_deadlock(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    let Some(DatabaseError { failure, .. }) = cause.downcast_ref() else { return false };
    matches!(failure, Failure::Statement(error) | Failure::Commit(error) if has_code(error, DEADLOCK))
}

/// Whether a retry may succeed later without a change to this program or its configuration.
pub(crate) fn is_transient(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::Protocol(_)
        | Error::WorkerCrashed
        | Error::BeginFailed => true,
        Error::Database(cause) => {
            is_stale_plan(error) || cause.code().is_some_and(|code| is_transient_code(&code))
        }
        _ => false,
    }
}

fn is_transient_code(code: &str) -> bool {
    // Classes: connection, transaction rollback, insufficient resources, operator intervention, system error.
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "57" | "58")
        // Read-only, as a standby is until it is promoted; a transaction that waited too long for this program; a lock that
        // was not available.
        || matches!(code, "25006" | "25P03" | "55P03")
}

/// The SQLSTATE.
pub(crate) fn code(error: &Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

fn has_code(error: &Error, expected: &str) -> bool {
    code(error).is_some_and(|code| code == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_error(error: Error) -> StoreError {
        DatabaseError::new("db:5432".to_owned(), error).into()
    }

    #[test]
    fn transient_errors_are_told_from_lasting_ones() {
        for transient in [
            "57P01", "57P02", "57P03", "57014", "53300", "53100", "40001", "40P01", "08006", "25006",
            "25P03", "58030",
        ] {
            assert!(is_transient_code(transient), "{transient}");
        }
        for lasting in
            ["23505", "23503", "23514", "42P01", "42601", "22008", "28P01", "3D000", "42501", "0A000", ""]
        {
            assert!(!is_transient_code(lasting), "{lasting}");
        }
        assert!(matches!(store_error(Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(Error::RowNotFound), StoreError::Conflict(_)));
    }
}
