//! Revokes what the vectors say is revoked.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use chrono::Utc;
use vectors::vectors;

use crate::Result;
use crate::servers::Servers;

/// Ends the session, revokes the token and removes the client of these vectors, and waits until api-server rejects
/// them.
pub(crate) async fn revoke(servers: &Servers) -> Result<()> {
    let all = vectors(Utc::now()).vectors;
    let token = |name: &str| all.iter().find(|vector| vector.name == name).map(|vector| vector.token.clone());
    let token = |name: &str| token(name).ok_or_else(|| format!("there is no vector {name}"));
    servers.sign_out(&token("revoked_session")?).await?;
    run(servers, &["token", "revoke", "-"], &token("revoked_token")?)?;
    let client = ["client", "add", "--id", "retired-printer", "--name", "Printer"];
    run(servers, &[&client[..], &["--redirect-uri", "https://printer.example/cb"]].concat(), "")?;
    run(servers, &["client", "remove", "retired-printer", "--yes"], "")?;
    let begun = Instant::now();
    for name in ["revoked_session", "revoked_token", "revoked_client_token"] {
        let token = token(name)?;
        let me = format!("{}/me", servers.api.url);
        while servers.client.get(&me).bearer_auth(&token).send().await?.status() != 401 {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(format!("api-server accepts {name}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

fn run(servers: &Servers, arguments: &[&str], input: &str) -> Result<()> {
    let mut command = servers.command()?;
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()))?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("auth-server {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
