//! Limits the memory and the time of each connection.
//!
//! actix-web's dispatcher reads requests while responses wait to be written, and has no time limit on the head of a
//! second request, on a chunked body that no handler reads, or on a client that does not read. `LimitedStream`, which
//! the dispatcher reads and writes, adds these limits.
//!
//! actix-web's dispatcher for HTTP/2 has no limit on concurrent requests and their heads, does not stop gracefully, and
//! never closes an idle connection. The module `http2` replaces it.

mod acceptor;
mod flow_control;
mod http2;
mod limits;
mod stream;
mod tracking;
mod transport;

pub(crate) use acceptor::Acceptor;
pub use limits::ConnectionLimits;
pub use stream::ConnectionHandle;
pub(crate) use stream::{LINGER, LimitedStream, is_over_tls};
pub(crate) use tracking::call_tracked;
