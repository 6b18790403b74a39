//! The file of `client apply`, in TOML: one `[[client]]` for each client.

use std::path::{Path, PathBuf};

use auth_domain::{
    ClientAuthentication, ClientId, ClientLinks, ClientOrigin, ClientRegistration, Digest, RedirectUri,
};
use goptri::Scope;
use serde::Deserialize;

use super::read_jwks;
use crate::cli::CliError;
use crate::flow::oauth::{WantedClient, WantedSecret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "client")]
    clients: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the file")]
struct Entry {
    id: String,
    name: String,
    redirect_uris: Vec<String>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    public: bool,
    /// SHA-256 of the secrets, in hex, the older one first.
    #[serde(default)]
    secret_sha256: Vec<String>,
    /// The path of a JWK set, from the folder of this file.
    jwks_file: Option<PathBuf>,
    #[serde(default)]
    first_party: bool,
    #[serde(default)]
    implicit: bool,
    #[serde(default = "yes")]
    rotation: bool,
    home: Option<String>,
    logo: Option<String>,
    policy: Option<String>,
}

fn yes() -> bool {
    true
}

/// The clients of a file.
pub(super) fn read(path: &Path) -> Result<Vec<WantedClient>, CliError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::io(format!("{shown} cannot be read: {error}")))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        CliError::new("invalid_file", format!("{shown}: {}", error.to_string().trim_end()))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    file.clients.into_iter().map(|entry| entry.into_wanted(folder)).collect()
}

impl Entry {
    fn into_wanted(self, folder: &Path) -> Result<WantedClient, CliError> {
        let id = ClientId::parse(&self.id)
            .ok_or_else(|| self.problem("the id is empty, too long or not ASCII"))?;
        let uris = self.redirect_uris.iter().map(|uri| {
            RedirectUri::parse(uri).map_err(|error| self.problem(format!("the redirect URI {uri:?} {error}")))
        });
        let redirect_uris = uris.collect::<Result<_, _>>()?;
        let (authentication, secret) = self.authentication(folder)?;
        let Self { name, scope, resources, first_party, implicit, rotation, home, logo, policy, .. } = self;
        let links = ClientLinks { home, logo, policy };
        let origin = ClientOrigin::File;
        let registration = ClientRegistration {
            id,
            name,
            authentication,
            redirect_uris,
            scope,
            resources,
            first_party,
            implicit,
            rotation,
            links,
            origin,
        };
        Ok(WantedClient { registration, secret })
    }

    fn authentication(&self, folder: &Path) -> Result<(ClientAuthentication, WantedSecret), CliError> {
        let digests = self.secret_sha256.iter().map(|text| digest(text));
        let digests: Vec<_> = digests
            .collect::<Option<_>>()
            .ok_or_else(|| self.problem("secret_sha256 is not a list of SHA-256 in hex"))?;
        match (self.public, digests.len(), &self.jwks_file) {
            (true, 0, None) => Ok((ClientAuthentication::Public, WantedSecret::Listed)),
            (false, 0, Some(file)) => Ok((read_jwks(&folder.join(file))?, WantedSecret::Listed)),
            (false, 0, None) => Ok((ClientAuthentication::Secret(Vec::new()), WantedSecret::Generated)),
            (false, 1 | 2, None) => {
                let digests = digests.into_iter().map(Digest::from_bytes).collect();
                Ok((ClientAuthentication::Secret(digests), WantedSecret::Listed))
            }
            _ => Err(self.problem(
                "give only one of public, jwks_file and secret_sha256, and at most two secret_sha256",
            )),
        }
    }

    fn problem(&self, problem: impl std::fmt::Display) -> CliError {
        CliError::new("invalid_client", format!("Client {}: {problem}.", self.id))
    }
}

/// The bytes of a SHA-256 in hex.
fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
