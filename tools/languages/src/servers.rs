//! auth-server and api-server, with the keys of the vectors.

use std::env::current_exe;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use vectors::{AUDIENCE, ISSUER, Vectors, vectors};

use crate::Result;
use crate::processes::Process;

const REFRESH_TOKEN_SECRET: &str = "refresh-c4be1d078365f2a9c4be1d078365f2a9";
const FEED_SECRET: &str = "feed-8365f2a9c4be1d07be1d078365f2a9c4";
const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// The two servers, and where their files are.
pub(crate) struct Servers {
    pub(crate) auth: Process,
    pub(crate) api: Process,
    pub(crate) client: Client,
    secrets: String,
    sign_ins: AtomicU32,
    pub(crate) folder: TempDir,
}

impl Servers {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("goptri-languages-").tempdir()?;
        let Vectors { secrets, .. } = vectors(Utc::now());
        let secrets = secrets.join(",");
        let mut auth = Process::start(
            "auth-server",
            auth_server(folder.path(), &secrets)?,
            "AUTH_SERVER_ADDR",
            folder.path(),
        )?;
        auth.wait_for("/readyz", &[200]).await?;
        let mut command = Command::new(program("api-server")?);
        command.env_clear().current_dir(folder.path()).env("PHOTOS_DIR", folder.path().join("photos"));
        command.envs(verifier(&secrets, &auth.url));
        let mut api = Process::start("api-server", command, "API_SERVER_ADDR", folder.path())?;
        api.wait_for("/readyz", &[200]).await?;
        let client = Client::new();
        let user = json!({ "email": EMAIL, "password": PASSWORD });
        let answer = client.post(format!("{}/users", auth.url)).json(&user).send().await?;
        if answer.status() != 201 {
            return Err(format!("the user was not registered: {}", answer.text().await?).into());
        }
        Ok(Self { auth, api, client, secrets, sign_ins: AtomicU32::new(0), folder })
    }

    /// The variables of a service that verifies the tokens of this auth-server.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        verifier(&self.secrets, &self.auth.url)
    }

    /// An api-server with other variables.
    pub(crate) async fn api_server_with(&self, variables: &[(&str, &str)], ready: &[u16]) -> Result<Process> {
        let mut command = Command::new(program("api-server")?);
        command
            .env_clear()
            .current_dir(self.folder.path())
            .env("PHOTOS_DIR", self.folder.path().join("photos"));
        command.envs(self.variables()).envs(variables.iter().copied());
        let mut api = Process::start("api-server", command, "API_SERVER_ADDR", self.folder.path())?;
        api.wait_for("/readyz", ready).await?;
        Ok(api)
    }

    /// Runs a command of auth-server.
    pub(crate) fn command(&self) -> Result<Command> {
        auth_server(self.folder.path(), &self.secrets)
    }

    /// Signs the user in. Returns the access token. Each sign-in seems to come from another address, so that no throttle
    /// slows a measurement.
    pub(crate) async fn sign_in(&self) -> Result<String> {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let address = Ipv4Addr::from(0x0a00_0000 + self.sign_ins.fetch_add(1, Ordering::Relaxed));
        let request = self.client.post(format!("{}/login", self.auth.url)).json(&body);
        let answer = request.header("x-forwarded-for", address.to_string()).send().await?;
        let tokens: Value = answer.json().await?;
        Ok(tokens["access_token"].as_str().ok_or_else(|| format!("no sign-in: {tokens}"))?.to_owned())
    }

    /// Ends the session of an access token.
    pub(crate) async fn sign_out(&self, token: &str) -> Result<()> {
        let answer =
            self.client.delete(format!("{}/logout", self.auth.url)).bearer_auth(token).send().await?;
        if answer.status() == 204 {
            Ok(())
        } else {
            Err(format!("no sign-out: {}", answer.text().await?).into())
        }
    }
}

/// A program in the folder of this one.
fn program(name: &str) -> Result<PathBuf> {
    let path = current_exe()?.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} is not built", path.display()).into()) }
}

/// auth-server, which signs with the first secret of the vectors and publishes their keys.
fn auth_server(folder: &Path, secrets: &str) -> Result<Command> {
    let pems = [
        include_str!("../../../shared/tests/goptri/test_keys/ed25519.pem"),
        include_str!("../../../shared/tests/goptri/test_keys/p256.pem"),
        include_str!("../../../shared/tests/goptri/test_keys/rsa.pem"),
    ];
    let keys = folder.join("keys.pem");
    fs::write(&keys, pems.concat())?;
    let mut command = Command::new(program("auth-server")?);
    command.env_clear().current_dir(folder).env("ACCESS_TOKEN_KEY_FILE", keys).envs([
        ("DATABASE_URL", "sqlite://goptri.db"),
        ("ISSUER", ISSUER),
        ("AUDIENCE", AUDIENCE),
        ("ACCESS_TOKEN_SECRET", secrets),
        ("ACCESS_TOKEN_SIGNED_BY", "secret"),
        ("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET),
        ("FEED_SECRET", FEED_SECRET),
        ("TRUSTED_PROXIES", "127.0.0.1/32"),
    ]);
    Ok(command)
}

fn verifier(secrets: &str, auth_server: &str) -> Vec<(&'static str, String)> {
    [
        ("ISSUER", ISSUER),
        ("AUDIENCE", AUDIENCE),
        ("ACCESS_TOKEN_SECRET", secrets),
        ("FEED_SECRET", FEED_SECRET),
        ("AUTH_SERVER_URL", auth_server),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}
