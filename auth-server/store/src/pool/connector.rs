//! What a pool needs from an engine.

use std::fmt;
use std::future::Future;
use std::time::Duration;

/// Opens, checks and closes the connections of one engine, and decides about them after an error.
pub trait Connector: Send + Sync + 'static {
    /// A connection.
    type Connection: Send + 'static;
    /// An error of the engine, of the driver, or of the pool.
    type Error: From<PoolError> + fmt::Display + Send + 'static;

    /// How long to retry connecting after the database was lost. Zero: not at all.
    const RECONNECT_TIMEOUT: Duration;

    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Completes what a cancelled or failed verb left behind, and checks that the database answers.
    fn ping(connection: &mut Self::Connection) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Closes a connection, also a broken one.
    fn close(connection: Self::Connection) -> impl Future<Output = ()> + Send;

    /// What an error means for the connections.
    fn fate(error: &Self::Error) -> Fate;

    /// Called when a connection has shown that the database is lost, before another connection is opened.
    fn on_lost(&self) {}
}

/// What an error means for the connection that it came from, and for the others of its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The statement failed. The connection is good.
    Keep,
    /// The connection is unfit and is closed. Others may be good.
    Close,
    /// The server refused the statement without running it, and would refuse it on every connection that was opened
    /// before. All of them are closed, and every verb may be sent again.
    Refused,
    /// The server or the way to it is lost, and with it every connection that was opened before. All of them are closed.
    /// The statement may have run, so only an idempotent verb may be sent again.
    Lost,
    /// The server grants no more connections.
    NoSlot,
}

/// An error of the pool itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolError {
    /// No connection became free in time.
    Busy,
    /// The pool is closed.
    Closed,
    /// The database did not answer within this time.
    NoAnswer(Duration),
    /// Another server of the database has taken over.
    Abandoned,
}
