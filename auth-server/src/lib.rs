//! auth-server: signs people in, hands out access tokens and refresh tokens, and ends sessions.
//!
//! Three rings: the rules are in `auth-domain`; [`flow`] has one use case a file; [`http`] and [`cli`] parse,
//! call a flow, and render.

mod application;
pub mod cli;
mod config;
mod entropy;
mod feed;
pub mod flow;
mod hashing;
pub mod http;
mod key_pair;
mod keyrings;
mod metrics;
mod rfc3339;
pub mod storage;
mod throttle;

pub use application::{Application, StartError};
pub use config::Config;
pub use entropy::SystemEntropy;
pub use keyrings::KeyRings;
