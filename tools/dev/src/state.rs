//! The folder that one start leaves for the next: secrets, data and the demo user's password, for its owner only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use auth_domain::random_token_id;
use auth_server::SystemEntropy;
use auth_server::cli::fresh_secrets;
use chrono::{DateTime, Utc};
use goptri_settings::Environment;

use crate::certificate::DevCertificate;

/// Where the development servers of web applications usually listen.
const CORS_ORIGINS: &str = "http://localhost:5173,http://localhost:3001";

/// The folder, opened.
pub(crate) struct DevState {
    folder: PathBuf,
    secrets: Vec<(String, String)>,
    demo_password: String,
    printer_secret: String,
}

impl DevState {
    /// Reads the folder, and creates what is missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let describe = |error: io::Error| {
            io::Error::other(format!("the folder {} cannot be used: {error}", folder.display()))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(describe)?;
        let secrets = load_secrets(&folder.join("secrets.env")).map_err(describe)?;
        let demo_password = load_or_create(&folder.join("demo-password"), || random_token_id(&SystemEntropy))
            .map_err(describe)?;
        let printer_secret = load_or_create(&folder.join("printer-secret"), || {
            format!("{}{}", random_token_id(&SystemEntropy), random_token_id(&SystemEntropy))
        });
        let printer_secret = printer_secret.map_err(describe)?.trim().to_owned();
        let demo_password = demo_password.trim().to_owned();
        Ok(Self { folder: folder.to_owned(), secrets, demo_password, printer_secret })
    }

    /// `environment` with the secrets and paths of the folder. Pages of the origin `example` may call the servers too.
    pub(crate) fn complete(&self, environment: Environment, example: &str) -> Environment {
        let database = format!("sqlite://{}", self.folder.join("goptri.db").display());
        let photos = self.folder.join("photos");
        let origins = if CORS_ORIGINS.split(',').any(|origin| origin == example) {
            CORS_ORIGINS.to_owned()
        } else {
            format!("{CORS_ORIGINS},{example}")
        };
        let environment = environment
            .with_default("DATABASE_URL", &database)
            .with_default("PHOTOS_DIR", &photos.to_string_lossy())
            .with_default("CORS_ORIGINS", &origins)
            .with_default("DEFAULT_SCOPE", "photos:read photos:write")
            .with_default("RUST_LOG", "warn");
        self.secrets
            .iter()
            .fold(environment, |environment, (name, value)| environment.with_default(name, value))
    }

    /// `environment` with a certificate of the folder, which is made if it is missing or about to expire.
    pub(crate) fn with_tls(
        &self,
        environment: Environment,
        now: DateTime<Utc>,
    ) -> io::Result<(Environment, DevCertificate)> {
        let certificate = DevCertificate::open(&self.folder, now)?;
        let environment = certificate
            .variables()
            .iter()
            .fold(environment, |environment, (name, value)| environment.with_default(name, value));
        Ok((environment, certificate))
    }

    /// The client secret of the photo printer.
    pub(crate) fn printer_secret(&self) -> &str {
        &self.printer_secret
    }

    pub(crate) fn demo_password(&self) -> &str {
        &self.demo_password
    }

    /// The script that tries the servers out, written anew at each start.
    pub(crate) fn write_script(&self, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join("try");
        write_whole(&path, text, 0o700)?;
        Ok(path)
    }
}

/// The secrets of an earlier start, and new ones for names that it did not have yet.
fn load_secrets(path: &Path) -> io::Result<Vec<(String, String)>> {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let mut secrets = pairs(&read_if_exists(path)?);
    let fresh = pairs(&fresh_secrets());
    let missing: Vec<_> =
        fresh.into_iter().filter(|(name, _)| !secrets.iter().any(|(known, _)| known == name)).collect();
    if !missing.is_empty() {
        secrets.extend(missing);
        let lines: Vec<_> = secrets.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        write_whole(path, &lines.concat(), 0o600)?;
    }
    Ok(secrets)
}

fn load_or_create(path: &Path, create: impl FnOnce() -> String) -> io::Result<String> {
    let mut text = read_if_exists(path)?;
    if text.is_empty() {
        text = create();
        write_whole(path, &text, 0o600)?;
    }
    Ok(text)
}

fn read_if_exists(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// Writes all of the text or nothing: a killed start leaves no partial secret.
pub(crate) fn write_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
