//! An HTTP/1.1 client on persistent connections, as fast as the server responds or at a fixed rate. Minimal, because it
//! shares the machine with the server.

mod connection;
mod latencies;
mod load;

pub(crate) use connection::{Connection, Response, once};
pub(crate) use latencies::Latencies;
pub(crate) use load::{Caller, Load, Measured, PerSecond};
