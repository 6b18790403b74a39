//! `auth-server key generate` and `key list`: the keys that sign access tokens.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use goptri::keys::KeyRing;
use goptri_settings::Environment;
use serde_json::json;

use super::new_file::write_new;
use super::output::{List, Row};
use super::{CliError, Context};
use crate::key_pair::{self, KeyType};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Write a new private key to a file that only you can read
    Generate {
        /// The type of the key
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Type::P256)]
        key_type: Type,
        /// The file; it must not exist
        file: PathBuf,
    },
    /// List the keys of access tokens, and which one signs
    List,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Type {
    /// ES256. Every JWT library verifies it
    P256,
    /// `EdDSA`. Small and fast, but unknown to some libraries, such as `jsonwebtoken` of npm
    Ed25519,
    /// RS256. Large and slow; for libraries that know nothing else
    Rsa3072,
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Generate { key_type, file } => generate(key_type, &file, context),
        Command::List => list(context),
    }
}

fn generate(key_type: Type, file: &Path, context: &Context) -> Result<(), CliError> {
    let pem = key_pair::generate(match key_type {
        Type::Ed25519 => KeyType::Ed25519,
        Type::P256 => KeyType::P256,
        Type::Rsa3072 => KeyType::Rsa3072,
    });
    let pem =
        pem.ok_or_else(|| CliError::new("no_randomness", "the operating system returns no randomness"))?;
    let ring = KeyRing::from_pem(&pem)
        .map_err(|error| CliError::new("unusable_key", format!("the new key {error}")))?;
    write_new(file, &pem, "Name a new file; docs/rotating-keys.md explains how to combine keys")?;
    let name = ring.signing_key_name();
    let (alg, kid, shown) = (name.alg, &name.kid, file.display());
    let text = format!(
        "Wrote the {alg} key {kid} to {shown}, which only you can read. Name the file in ACCESS_TOKEN_KEY_FILE."
    );
    context.format.print(&text, &json!({ "file": file, "kid": kid, "alg": alg }))
}

fn list(context: &Context) -> Result<(), CliError> {
    let ring = context.read(goptri::settings::access_keys)?;
    context.format.note(&format!("Keys: {}", sources(context.environment())));
    let signs = |kid: &str| kid == ring.signing_key_name().kid;
    let rows = ring.verifying_keys().names().map(|name| {
        let usage = if signs(&name.kid) { "signs and verifies" } else { "verifies" };
        Row {
            cells: vec![name.kid.clone(), name.alg.to_owned(), usage.to_owned()],
            json: json!({ "kid": name.kid, "alg": name.alg, "signs": signs(&name.kid) }),
        }
    });
    let rows: Vec<_> = rows.collect();
    let mut list = List::new(context.format, &["KEY", "ALGORITHM", "USE"]);
    list.print(&rows)?;
    list.finish("No keys.")
}

/// The variables that the keys come from; a file with its name.
fn sources(environment: &Environment) -> String {
    let file = |name: &str| environment.get(name).map(|file| format!("{name} ({file})"));
    let secret = environment.get("ACCESS_TOKEN_SECRET").map(|_| "ACCESS_TOKEN_SECRET".to_owned());
    let sources = [file("ACCESS_TOKEN_KEY_FILE"), file("ACCESS_TOKEN_SECRET_FILE"), secret];
    sources.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
