//! Limits the memory and the time of each connection.
//!
//! actix-web's dispatcher reads requests while responses wait to be written, and has no time limit on the head of a
//! second request, on a chunked body that no handler reads, or on a client that does not read. `LimitedStream`, which
//! the dispatcher reads and writes, adds these limits.

mod flow_control;
mod limits;
mod stream;
mod tracking;

pub use limits::ConnectionLimits;
pub use stream::ConnectionHandle;
pub(crate) use stream::{LINGER, LimitedStream};
pub(crate) use tracking::call_tracked;
