//! api-server: the application. It verifies access tokens by itself and serves their bearers; no call, no
//! query, no file stands between a request and the verdict on its token.

mod application;
mod config;
pub mod http;
pub mod photos;

pub use application::Application;
pub use config::Config;
