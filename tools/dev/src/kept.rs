//! What one start leaves for the next: secrets and the demo user's password, readable by their owner alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use auth_server::cli::fresh_secrets;
use goptri::Environment;

/// The folder, opened.
pub(crate) struct Kept {
    folder: PathBuf,
    secrets: Vec<(String, String)>,
    demo_password: String,
}

impl Kept {
    /// Reads what is there, and makes what is missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let in_words = |error: io::Error| {
            io::Error::other(format!("the folder {} cannot be used: {error}", folder.display()))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(in_words)?;
        let secrets = read_or_write(&folder.join("secrets.env"), fresh_secrets).map_err(in_words)?;
        let secrets = secrets.lines().filter_map(|line| line.split_once('='));
        let secrets: Vec<_> = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let demo_password = read_or_write(&folder.join("demo-password"), fresh_password).map_err(in_words)?;
        Ok(Self { folder: folder.to_owned(), secrets, demo_password: demo_password.trim().to_owned() })
    }

    /// `environment`, and what it leaves open filled in.
    pub(crate) fn defaults(&self, environment: Environment) -> Environment {
        let database = format!("sqlite://{}", self.folder.join("goptri.db").display());
        let environment = environment.or_default("DATABASE_URL", &database).or_default("RUST_LOG", "warn");
        self.secrets
            .iter()
            .fold(environment, |environment, (name, value)| environment.or_default(name, value))
    }

    pub(crate) fn demo_password(&self) -> &str {
        &self.demo_password
    }
}

/// A part of a fresh secret is a good password.
fn fresh_password() -> String {
    let secrets = fresh_secrets();
    secrets.split('=').nth(1).unwrap_or_default().chars().take(24).collect()
}

fn read_or_write(path: &Path, fresh: impl FnOnce() -> String) -> io::Result<String> {
    let mut text = String::new();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            text = fresh();
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            File::open(path)?.read_to_string(&mut text)?;
        }
        Err(error) => return Err(error),
    }
    Ok(text)
}
