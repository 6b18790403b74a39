//! `auth-server secrets`: fresh secrets for `.env`.

use std::fmt::Write;

use auth_domain::Entropy;

use crate::entropy::SystemEntropy;

/// What each server needs to be told, and the database of docker-compose.yml.
const NAMES: [&str; 4] = ["ACCESS_TOKEN_SECRET", "REFRESH_TOKEN_SECRET", "FEED_SECRET", "POSTGRES_PASSWORD"];

/// A line a secret: its name and 64 random bytes in hex.
pub fn fresh_secrets() -> String {
    let mut lines = String::new();
    for name in NAMES {
        let mut bytes = [0; 64];
        SystemEntropy.fill(&mut bytes);
        lines.push_str(name);
        lines.push('=');
        for byte in bytes {
            let _ = write!(lines, "{byte:02x}");
        }
        lines.push('\n');
    }
    lines
}
