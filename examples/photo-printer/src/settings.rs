//! Where the servers are, and as which client the printer is registered.

use std::env;
use std::fmt;
use std::net::SocketAddr;

/// The settings of the printer.
pub struct Settings {
    /// `ADDR`: where it listens.
    pub address: SocketAddr,
    /// `PRINTER_URL`: where browsers find it. Its redirect URI is `/callback` there.
    pub url: String,
    /// `AUTH_SERVER_URL`: the issuer.
    pub auth_server: String,
    /// `API_SERVER_URL`.
    pub api_server: String,
    /// `CLIENT_ID`.
    pub client_id: String,
    /// `CLIENT_SECRET`.
    pub client_secret: String,
}

/// A variable is missing or cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{name} {problem}")]
pub struct InvalidSetting {
    name: &'static str,
    problem: &'static str,
}

impl Settings {
    /// Reads the settings from environment variables.
    ///
    /// # Errors
    /// If a variable is missing that has no default, or `ADDR` is no address.
    pub fn from_environment() -> Result<Self, InvalidSetting> {
        let address = optional("ADDR", "127.0.0.1:5000");
        Ok(Self {
            address: address
                .parse()
                .map_err(|_| InvalidSetting { name: "ADDR", problem: "is no IP address with a port" })?,
            url: optional("PRINTER_URL", "http://127.0.0.1:5000"),
            auth_server: optional("AUTH_SERVER_URL", "http://localhost:4000"),
            api_server: optional("API_SERVER_URL", "http://localhost:3000"),
            client_id: required("CLIENT_ID")?,
            client_secret: required("CLIENT_SECRET")?,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn optional(name: &str, default: &str) -> String {
    variable(name).unwrap_or_else(|| default.to_owned())
}

fn required(name: &'static str) -> Result<String, InvalidSetting> {
    variable(name)
        .ok_or(InvalidSetting { name, problem: "is not set; `auth-server client add` prints its value" })
}

impl fmt::Debug for Settings {
    /// Does not show the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
