//! `auth-server secrets`: new secrets for `.env`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use auth_domain::Entropy;
use serde_json::{Map, Value, json};

use super::new_file::write_new;
use super::{CliError, Format};
use crate::entropy::SystemEntropy;

/// The secrets of both servers, and of the database in docker-compose.yml.
const NAMES: [&str; 4] = ["ACCESS_TOKEN_SECRET", "REFRESH_TOKEN_SECRET", "FEED_SECRET", "POSTGRES_PASSWORD"];

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Write them to a new file that only you can read, such as .env, instead of printing them
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, format: Format) -> Result<(), CliError> {
    if let Some(file) = &arguments.out {
        return write(file, format);
    }
    let secrets = fresh_secrets();
    let pairs = secrets.lines().filter_map(|line| line.split_once('='));
    let json: Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    format.print(secrets.trim_end(), &Value::Object(json))
}

fn write(file: &Path, format: Format) -> Result<(), CliError> {
    let hint = "It may hold secrets that are in use. Name another file; \
                docs/rotating-keys.md explains how to replace secrets";
    write_new(file, &fresh_secrets(), hint)?;
    let shown = file.display();
    let text = format!(
        "Wrote {} secrets to {shown}, which only you can read. Both servers read .env in the folder where they start: \
         start `auth-server` there, then `api-server`. On another machine, api-server needs the same \
         ACCESS_TOKEN_SECRET and FEED_SECRET, and no other secret.",
        NAMES.len()
    );
    format.print(&text, &json!({ "file": file, "secrets": NAMES }))
}

/// One line per secret: its name and 64 random bytes in hex.
pub fn fresh_secrets() -> String {
    NAMES
        .map(|name| {
            let mut bytes = [0; 64];
            SystemEntropy.fill(&mut bytes);
            let mut line = format!("{name}=");
            for byte in bytes {
                let _ = write!(line, "{byte:02x}");
            }
            line + "\n"
        })
        .concat()
}
