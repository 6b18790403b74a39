//! api-server: the application. It verifies access tokens by itself and serves their bearers; no call, no
//! query, no file stands between a request and the verdict on its token. What was ended before its time it hears from
//! auth-server beforehand.

mod application;
mod config;
pub mod http;
mod metrics;
pub mod photos;

pub use application::{Application, StartError};
pub use config::Config;
