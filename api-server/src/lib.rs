//! A sample application, and a pattern to copy for your own: it stores photos for the users of auth-server.
//!
//! It verifies access tokens in memory. Verification needs no call to auth-server, no query and no file, since
//! api-server follows auth-server's revocation feed.

mod application;
pub mod cli;
mod config;
pub mod error;
pub mod forward_auth;
pub mod http;
mod metrics;
pub mod photos;

pub use application::{Application, StartError};
pub use config::Config;
