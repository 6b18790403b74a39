//! Asks a server over HTTP/1.1, on connections that are kept, as fast as it answers or at a given pace. Lean, as it
//! takes its share of the machine that the server runs on.

mod connection;
mod latencies;
mod load;

pub(crate) use connection::{Answer, Connection, once};
pub(crate) use latencies::Latencies;
pub(crate) use load::{Caller, Load, Measured, Pace};
