//! What an error of Postgres or of the driver means for the connection that it came from.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use auth_store::{Fate, PoolError};
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::error::{cause_of, code, is_transient};
use crate::hosts::{Hosts, SessionAttrs};
use crate::probe::Answers;

/// `feature_not_supported`: also the code of "cached plan must not change result type", see [`is_stale_plan`].
pub(crate) const NOT_SUPPORTED: &str = "0A000";

/// The routine of the server that finds that a plan is stale. Its message depends on the server's language.
const CHECK_OF_PLANS: &str = "RevalidateCachedQuery";

/// The error of a verb that was in flight on a server that another one has replaced.
const ABANDONED: &str = "another server has taken over";

/// Why a verb failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A statement, or connecting.
    Statement(Error),
    /// A COMMIT.
    Commit(Error),
    /// The server answers but is a standby, which the feed is not read from.
    Standby,
    /// The URL names several hosts, and none of them is a primary that accepts writes.
    NoPrimary(NoPrimary),
}

/// What each of several hosts is instead of the primary. Displays as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoPrimary(Arc<str>);

/// A failure, and the host that it is about, by its place in the list.
#[derive(Debug)]
pub(crate) struct HostFailure {
    pub(crate) host: Option<usize>,
    pub(crate) failure: Failure,
}

impl NoPrimary {
    fn new(attrs: SessionAttrs, hosts: &str) -> Self {
        let sentence = match attrs {
            SessionAttrs::Any => {
                format!("none of the hosts in DATABASE_URL answers: {hosts}; start one of them")
            }
            SessionAttrs::ReadWrite => format!(
                "none of the hosts in DATABASE_URL accepts writes: {hosts}; start the primary, or promote a standby"
            ),
        };
        Self(sentence.into())
    }
}

impl HostFailure {
    /// A failure of one host.
    pub(crate) fn at(host: usize, failure: impl Into<Failure>) -> Self {
        Self { host: Some(host), failure: failure.into() }
    }

    /// The failure if no host is found to be the primary. If a host grants no more connections, it may be the primary,
    /// so its error is returned. If a retry can help with no host, the first error is returned. Otherwise, a list of
    /// reasons.
    pub(crate) fn of_all(hosts: &Hosts, answers: Answers, newest_timeline: u32) -> Self {
        let (mut reasons, mut errors) = (Vec::new(), Vec::new());
        for (host, answer) in answers.into_iter().enumerate() {
            let address = hosts.address(host);
            match answer {
                Some(Ok((_, role))) => {
                    reasons.extend(
                        role.fitness(newest_timeline).err().map(|unfit| format!("{address} {unfit}")),
                    );
                }
                Some(Err(error)) => {
                    reasons.push(format!("{address}: {}", cause_of(&error)));
                    errors.push((host, error));
                }
                None => {}
            }
        }
        let lasting =
            errors.len() == hosts.options.len() && !errors.iter().any(|(_, error)| is_transient(error));
        let no_slot = errors.iter().position(|(_, error)| fate_of_error(error) == Fate::NoSlot);
        match no_slot.or(lasting.then_some(0)) {
            Some(place) => {
                let (host, error) = errors.swap_remove(place);
                Self::at(host, error)
            }
            None => Failure::NoPrimary(NoPrimary::new(hosts.attrs, &reasons.join("; "))).into(),
        }
    }
}

/// The fate of the connections after an error. No other place decides it.
pub(crate) fn fate(failure: &Failure) -> Fate {
    match failure {
        Failure::Statement(error) => fate_of_error(error),
        // The driver's count of open transactions may now differ from the server's.
        Failure::Commit(error) => match fate_of_error(error) {
            Fate::Keep => Fate::Close,
            fate => fate,
        },
        Failure::Standby => Fate::Refused,
        // One of them may be promoted.
        Failure::NoPrimary(_) => Fate::Lost,
    }
}

fn fate_of_error(error: &Error) -> Fate {
    match error {
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed => Fate::Lost,
        Error::Tls(_) | Error::BeginFailed | Error::InvalidSavePointStatement => Fate::Close,
        _ if is_stale_plan(error) => Fate::Refused,
        _ if is_of_another_server(error) => Fate::Keep,
        Error::Database(_) => fate_of_code(&code(error).unwrap_or_default()),
        _ => Fate::Keep,
    }
}

/// By SQLSTATE, see appendix A of the manual of PostgreSQL.
fn fate_of_code(code: &str) -> Fate {
    match code {
        // A read-only server, as a standby is until it is promoted; a prepared statement that is unknown or exists
        // already, because a pooler has moved the client to another connection.
        "25006" | "26000" | "42P05" => Fate::Refused,
        "53300" => Fate::NoSlot,
        // Shut down, crashed, starting, or dropped; the connection, or a transaction, was idle for too long.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => Fate::Lost,
        _ => match code.get(..2) {
            // Connection exceptions.
            Some("08") => Fate::Lost,
            // Invalid transaction states.
            Some("25") => Fate::Close,
            _ => Fate::Keep,
        },
    }
}

/// Whether the server reports that it lost its connection to another one, as a node of a distributed database does. The
/// loss of this connection is fatal instead.
fn is_of_another_server(error: &Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| {
        error.severity() == PgSeverity::Error
            && (error.code().starts_with("57P") || error.code().starts_with("080"))
    })
}

/// Whether the statement was planned before a migration changed its result. The driver keeps the plan, so only another
/// connection helps.
pub(crate) fn is_stale_plan(error: &Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| error.code() == NOT_SUPPORTED && error.routine() == Some(CHECK_OF_PLANS))
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
            PoolError::Closed => Error::PoolClosed,
            PoolError::NoAnswer(limit) => no_answer(limit),
            PoolError::Abandoned => Error::Io(std::io::Error::other(ABANDONED)),
        })
    }
}

impl From<Failure> for HostFailure {
    fn from(failure: Failure) -> Self {
        Self { host: None, failure }
    }
}

impl From<PoolError> for HostFailure {
    fn from(error: PoolError) -> Self {
        Failure::from(error).into()
    }
}

/// The error of a server that does not answer within `limit`.
pub(crate) fn no_answer(limit: Duration) -> Error {
    let text = format!("no answer within {} s", limit.as_secs_f64().ceil());
    Error::Io(std::io::Error::new(ErrorKind::TimedOut, text))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(error) | Self::Commit(error) => error.fmt(f),
            Self::Standby => f.write_str(
                "the server is a standby, which may lack the newest revocations; connect to the primary",
            ),
            Self::NoPrimary(none) => none.fmt(f),
        }
    }
}

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl fmt::Display for NoPrimary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_its_connection_and_the_others_are_fit() {
        let table = [
            (
                Fate::Keep,
                "23505 23503 42P01 42703 42501 0A000 40001 40P01 55P03 57014 53100 53200 58030 XX000 22P02",
            ),
            (Fate::Close, "25P01 25P02 25001"),
            (Fate::Refused, "25006 26000 42P05"),
            (Fate::Lost, "57P01 57P02 57P03 57P04 57P05 25P03 08000 08001 08003 08006 08P01"),
            (Fate::NoSlot, "53300"),
        ];
        for (fate, codes) in table {
            for code in codes.split(' ') {
                assert_eq!(fate_of_code(code), fate, "{code}");
            }
        }
        assert_eq!(fate_of_code(""), Fate::Keep);
    }

    #[test]
    fn an_error_of_the_driver_says_so_too() {
        let io = || Error::Io(ErrorKind::ConnectionReset.into());
        let table = [
            (Fate::Keep, Failure::Statement(Error::RowNotFound)),
            (Fate::Keep, Failure::Statement(Error::ColumnNotFound("x".to_owned()))),
            (Fate::Close, Failure::Commit(Error::RowNotFound)),
            (Fate::Close, Failure::Statement(Error::BeginFailed)),
            (Fate::Close, Failure::Statement(Error::InvalidSavePointStatement)),
            (Fate::Lost, Failure::Statement(io())),
            (Fate::Lost, Failure::Commit(io())),
            (Fate::Lost, Failure::Statement(Error::Protocol("x".to_owned()))),
            (Fate::Lost, Failure::Statement(Error::WorkerCrashed)),
            (Fate::Lost, PoolError::NoAnswer(Duration::from_secs(1)).into()),
            (Fate::Refused, Failure::Standby),
        ];
        for (expected, failure) in table {
            assert_eq!(fate(&failure), expected, "{failure:?}");
        }
    }
}
