//! The HTTP layer that both servers share: the table of routes, request bodies, client addresses, response headers,
//! start and stop, logs and metrics.

mod allocator;
mod bodies;
mod catalogue;
mod check;
mod client_address;
mod connection;
mod cross_origin;
mod descriptors;
mod endpoints;
mod http_server;
mod index;
mod lifecycle;
mod listen_errors;
mod logging;
mod metrics;
mod plain_listener;
mod request_observer;
mod response_policy;
mod routes;
mod server_state;
mod tls;
mod variables;

pub use allocator::give_memory_back_at_once;
pub use bodies::{BodyKind, JsonObject, LimitedBody, MAX_BODY_BYTES, refuse_content_encoding};
pub use catalogue::{CatalogueRow, common_errors};
pub use check::{CheckReport, Finding};
pub use client_address::{ClientAddress, TrustedProxies, trusted_proxies};
pub use connection::{ConnectionHandle, ConnectionLimits};
pub use cross_origin::{AllowedOrigins, CrossOrigin};
pub use descriptors::raise_descriptor_limit;
pub use endpoints::{CurrentUser, Health, current_user, healthz};
pub use http_server::HttpServer;
pub use index::with_index;
pub use lifecycle::{ListenError, SighupReload, stop_signal};
pub use listen_errors::ListenErrors;
pub use logging::{LineLimit, Stderr, flush_log, log_to_stderr, print_error};
pub use metrics::{MetricsServer, counter, gauge, metrics_address, metrics_registry};
pub use plain_listener::check_plain_listener;
pub use request_observer::{RequestObserver, request_log};
pub use response_policy::response_policy;
pub use routes::{Access, Route, UnknownPath, mount};
pub use server_state::{ServerState, shutdown_delay};
pub use tls::{Tls, scheme};
pub use variables::KNOWN_VARIABLES;
