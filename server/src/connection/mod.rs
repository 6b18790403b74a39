//! Limits the memory and the time of each connection.
//!
//! actix-web's dispatcher reads requests while responses wait to be written, and has no time limit on the head of a
//! second request, on a chunked body that no handler reads, or on a client that does not read. `GuardedStream`, which
//! the dispatcher reads and writes, adds these limits.

mod exchange;
mod limits;
mod stream;
mod traffic;

pub(crate) use exchange::exchange;
pub use limits::ConnectionLimits;
pub use stream::ConnectionHandle;
pub(crate) use stream::{GuardedStream, LINGER};
