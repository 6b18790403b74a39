//! `api-server check`: whether a start would succeed.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use goptri::{Guard, NotReady};
use goptri_server::{CheckReport, Finding};

use super::{CliError, read_config};
use crate::{Config, StartError};

/// How long auth-server may take to send its keys and the revocation feed.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// The interval at which readiness is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Prints the findings on standard output.
pub(super) async fn run(json: bool) -> Result<(), CliError> {
    let report = match read_config() {
        Err(CliError::Settings(errors)) => CheckReport::new(Err::<(), _>(errors), Vec::new()),
        read_config => {
            let photos = ("photos", Finding::new(true, "Photos: the folder is writable."));
            let auth_server = check_auth_server(read_config?).await?;
            CheckReport::new(Ok(()), [photos].into_iter().chain(auth_server).collect())
        }
    };
    print(&if json { report.json().to_string() } else { report.text() })?;
    if report.is_ok() {
        return Ok(());
    }
    Err(CliError::CheckFailed { configuration: !report.has_valid_configuration() })
}

/// A reader may close the pipe: that is not an error.
fn print(text: &str) -> Result<(), CliError> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// Fetches the keys and follows the feed until both are complete.
async fn check_auth_server(config: Config) -> Result<Vec<(&'static str, Finding)>, CliError> {
    let (jwks_url, feed_url) = config.guard.urls().unwrap_or_default();
    let guard = config.guard.build().map_err(StartError::from)?;
    let auth_server = |ok, state: String| ("auth_server", Finding::new(ok, format!("auth-server: {state}.")));
    if let Err(not_ready) = wait_until_ready(&guard).await {
        let state = format!("cannot be used at {feed_url}: this server {not_ready}. The log has the cause");
        return Ok(vec![auth_server(false, state)]);
    }
    let number = guard.keys().snapshot().len();
    let keys = format!("Keys: {number} verify access tokens, {jwks_url} included.");
    let state = format!("{feed_url} is reachable, and the feed is complete");
    Ok(vec![auth_server(true, state), ("keys", Finding::new(true, keys))])
}

async fn wait_until_ready(guard: &Guard) -> Result<(), NotReady> {
    let ready = async {
        while guard.check_ready().is_err() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    let _ = tokio::time::timeout(READY_TIMEOUT, ready).await;
    guard.check_ready()
}
