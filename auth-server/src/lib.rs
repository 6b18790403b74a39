//! auth-server: signs users in, issues access tokens and refresh tokens, and ends sessions.
//!
//! Four layers: the rules in `auth-domain`; [`error`], the catalogue of protocol errors; [`flow`], one use case per
//! file; and `http`, `page` and [`cli`], which parse, call a flow, and render.

mod application;
mod brand;
pub mod cli;
mod config;
mod entropy;
pub mod error;
mod feed;
pub mod flow;
mod hashing;
mod http;
mod key_pair;
mod keyrings;
mod metrics;
mod page;
mod return_origins;
mod rfc3339;
pub mod storage;
mod suspension;
mod throttle;

pub use application::{Application, StartError, routes};
pub use config::Config;
pub use entropy::SystemEntropy;
pub use keyrings::KeyRings;
