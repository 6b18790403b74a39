//! The files and commands with which Goptri is deployed.

mod compose;
mod documented;
#[cfg(target_os = "linux")]
mod forward_auth;
mod grafana;
#[cfg(target_os = "linux")]
mod haproxy;
mod image;
#[cfg(target_os = "linux")]
pub(crate) mod nginx;
#[cfg(target_os = "linux")]
mod one_host;
mod page;
#[cfg(target_os = "linux")]
mod systemd;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the repository.
fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
