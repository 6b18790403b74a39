//! What stands around the routes of a whole server, the same for both: a table of routes, what is true of
//! every response, bodies, listening, stopping, and logs.

mod answers;
mod bodies;
mod client_address;
mod every_response;
mod listening;
mod logging;
mod metrics;
mod routes;

pub use answers::{CurrentUser, Health, current_user, healthz};
pub use bodies::{BodyKind, JsonObject, LimitedBody, MAX_BODY_BYTES};
pub use client_address::{ClientAddress, TrustedProxies};
pub use every_response::every_response;
pub use listening::{Hangups, ListenError, stop_signal};
pub use logging::log_to_stderr;
pub use metrics::{Metrics, gauge};
pub use routes::{Admits, Route, UnknownPath, mount};
