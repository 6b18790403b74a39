//! `auth-server key generate` and `key list`: key pairs that sign access tokens.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use goptri::KeyRing;
use goptri_settings::{Environment, Settings};
use serde_json::json;

use super::{Failed, print_line};
use crate::key_pair::{self, KeyType};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Write a new private key to a file that only its owner can read
    Generate {
        /// What kind of key
        #[arg(long = "type", value_enum, default_value_t = Type::Ed25519)]
        key_type: Type,
        /// The file, which must not be there yet
        file: PathBuf,
    },
    /// List the keys of access tokens: which are there, and which one signs
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Type {
    /// `EdDSA`: small and fast
    Ed25519,
    /// `ES256`: where Ed25519 is not understood
    P256,
    /// `RS256`: where nothing else is understood
    Rsa3072,
}

pub(super) fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    match command {
        Command::Generate { key_type, file } => generate(key_type, &file),
        Command::List { json } => list(json, environment),
    }
}

fn generate(key_type: Type, file: &Path) -> Result<(), Failed> {
    let pem = key_pair::generate(match key_type {
        Type::Ed25519 => KeyType::Ed25519,
        Type::P256 => KeyType::P256,
        Type::Rsa3072 => KeyType::Rsa3072,
    });
    let pem = pem.ok_or_else(|| Failed::because("the operating system gives no randomness"))?;
    let ring = KeyRing::from_pem(&pem).map_err(|fault| Failed::because(format!("the new key {fault}")))?;
    write_new(file, &pem)?;
    let name = ring.signing_key_name();
    let (alg, kid, file) = (name.alg, &name.kid, file.display());
    print_line(&format!(
        "Wrote the {alg} key {kid} to {file}, which only you can read. Name the file in ACCESS_TOKEN_KEY_FILE."
    ))?;
    Ok(())
}

/// A key that is there is never written over: tokens may depend on it.
fn write_new(file: &Path, pem: &str) -> Result<(), Failed> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failed::because(format!("the file {} cannot be written: {problem}", file.display()))
    };
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| {
        match error.kind() {
            ErrorKind::AlreadyExists => {
                failed(&"it is there already. Write to a new one; docs/rotating-keys.md says how to put the two together")
            }
            _ => failed(&error),
        }
    })?;
    let whole = written.write_all(pem.as_bytes()).and_then(|()| written.sync_all());
    whole.map_err(|error| {
        // Half a key is none.
        let _ = std::fs::remove_file(file);
        failed(&error)
    })
}

fn list(json: bool, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let ring = goptri::settings::access_keys(&settings);
    let ring = settings.into_result(ring)?;
    let signs = |kid: &str| kid == ring.signing_key_name().kid;
    if json {
        let keys = ring.verifying().names();
        let keys: Vec<_> =
            keys.map(|name| json!({ "kid": name.kid, "alg": name.alg, "signs": signs(&name.kid) })).collect();
        print_line(&json!({ "keys": keys }).to_string())?;
        return Ok(());
    }
    for name in ring.verifying().names() {
        let does = if signs(&name.kid) { "signs and verifies" } else { "verifies" };
        print_line(&format!("{:43}  {:5}  {does}", name.kid, name.alg))?;
    }
    Ok(())
}
