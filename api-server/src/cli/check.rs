//! `api-server check`: whether a start would succeed.

use std::time::Duration;

use goptri::{Guard, NotReady};
use goptri_settings::SettingErrors;

use super::{CliError, configured};
use crate::StartError;

/// How long auth-server may take to send its keys and the revocation feed.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// The interval between two looks at what has arrived.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Prints one line for each finding, on standard output.
pub(super) async fn run() -> Result<(), CliError> {
    let config = match configured() {
        Err(CliError::Settings(SettingErrors(errors))) => {
            println!("Configuration: {} wrong.", settings(errors.len()));
            for error in &errors {
                println!("  {} {}", error.variable, error.problem);
            }
            return Err(CliError::CheckFailed { configuration: true });
        }
        configured => configured?,
    };
    println!("Configuration: no errors.");
    println!("Photos: the folder is writable.");
    let (jwks_url, feed_url) = config.guard.urls().unwrap_or_default();
    let guard = config.guard.build().map_err(StartError::from)?;
    match wait_until_ready(&guard).await {
        Ok(()) => {
            let keys = guard.keys().snapshot().len();
            println!("auth-server: {feed_url} is reachable, and the feed is complete.");
            println!("Keys: {keys} verify access tokens, {jwks_url} included.");
            Ok(())
        }
        Err(not_ready) => {
            println!(
                "auth-server: cannot be used at {feed_url}: this server {not_ready}. The log has the cause."
            );
            Err(CliError::CheckFailed { configuration: false })
        }
    }
}

fn settings(number: usize) -> String {
    format!("{number} setting{}", if number == 1 { "" } else { "s" })
}

async fn wait_until_ready(guard: &Guard) -> Result<(), NotReady> {
    let ready = async {
        while guard.ready().is_err() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    let _ = tokio::time::timeout(READY_TIMEOUT, ready).await;
    guard.ready()
}
