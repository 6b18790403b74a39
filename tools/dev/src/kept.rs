//! What one start leaves for the next: secrets and the demo user's password, readable by their owner alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use auth_domain::random_token_id;
use auth_server::SystemEntropy;
use auth_server::cli::fresh_secrets;
use goptri_settings::Environment;

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
        let secrets = kept_secrets(&folder.join("secrets.env")).map_err(in_words)?;
        let demo_password =
            kept_text(&folder.join("demo-password"), || random_token_id(&SystemEntropy)).map_err(in_words)?;
        Ok(Self { folder: folder.to_owned(), secrets, demo_password: demo_password.trim().to_owned() })
    }

    /// `environment`, and what it leaves open filled in.
    pub(crate) fn defaults(&self, environment: Environment) -> Environment {
        let database = format!("sqlite://{}", self.folder.join("goptri.db").display());
        let photos = self.folder.join("photos");
        let environment = environment
            .or_default("DATABASE_URL", &database)
            .or_default("PHOTOS_DIR", &photos.to_string_lossy())
            .or_default("DEFAULT_SCOPE", "photos:read photos:write")
            .or_default("RUST_LOG", "warn");
        self.secrets
            .iter()
            .fold(environment, |environment, (name, value)| environment.or_default(name, value))
    }

    pub(crate) fn demo_password(&self) -> &str {
        &self.demo_password
    }
}

/// The secrets of an earlier start, and fresh ones for names that it did not have yet.
fn kept_secrets(path: &Path) -> io::Result<Vec<(String, String)>> {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let mut secrets = pairs(&read_if_there(path)?);
    let fresh = pairs(&fresh_secrets());
    let missing: Vec<_> =
        fresh.into_iter().filter(|(name, _)| !secrets.iter().any(|(known, _)| known == name)).collect();
    if !missing.is_empty() {
        secrets.extend(missing);
        let lines: Vec<_> = secrets
            .iter()
            .map(|(name, value)| {
                format!(
                    "{name}={value}
"
                )
            })
            .collect();
        write_whole(path, &lines.concat())?;
    }
    Ok(secrets)
}

fn kept_text(path: &Path, fresh: impl FnOnce() -> String) -> io::Result<String> {
    let mut text = read_if_there(path)?;
    if text.is_empty() {
        text = fresh();
        write_whole(path, &text)?;
    }
    Ok(text)
}

fn read_if_there(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// All of it or nothing: a start that is killed leaves no half a secret.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
