//! `auth-server check`: whether a start would succeed. Changes nothing but the row with which it proves that writes are
//! possible.

use std::sync::Arc;

use auth_store::{Layout, Readiness, STOP_SERVERS, Store, StoreError};
use goptri::clock::SystemClock;
use goptri::token::TokenType;
use goptri_server::{CheckReport, Finding, log_to_stderr};
use goptri_settings::{Environment, Plain, Settings};
use serde_json::json;

use super::{CliError, Context};
use crate::storage::{self, DatabaseUrl};
use crate::{Config, config};

pub(super) async fn run(context: &Context) -> Result<(), CliError> {
    let settings = Settings::new(context.environment());
    log_to_stderr(&settings);
    let config = Config::read(&settings);
    let configuration = settings.into_result(config);
    let database = check_database(context.environment()).await;
    let keys = check_keys(context.environment());
    let report = CheckReport::new(configuration, vec![("database", database), ("keys", keys)]);
    context.format.print(&report.text(), &report.json())?;
    if report.is_ok() {
        return Ok(());
    }
    Err(CliError::Reported { configuration: !report.has_valid_configuration() })
}

async fn check_database(environment: &Environment) -> Finding {
    let settings = Settings::new(environment);
    let Some(url) = config::database_url(&settings) else {
        return Finding::new(false, "Database: not checked, because DATABASE_URL cannot be used.");
    };
    let auto_migrate = config::auto_migrate(&settings).unwrap_or(true);
    let (ok, state) = database_state(&url, auto_migrate).await;
    Finding::new(ok, format!("Database: {} {state}.", storage::describe(&url)))
}

/// Whether a server could use the database, and its state as the rest of a sentence.
async fn database_state(url: &Plain<DatabaseUrl>, auto_migrate: bool) -> (bool, String) {
    let store = match storage::open_existing(url, Arc::new(SystemClock)) {
        Ok(Some(store)) => store,
        Ok(None) => {
            let then =
                if auto_migrate { "the server creates it at start" } else { "run `auth-server migrate`" };
            return (auto_migrate, format!("does not exist yet; {then}"));
        }
        Err(error) => return (false, error.to_string()),
    };
    let checked = check_store(store.as_ref()).await;
    store.close().await;
    match checked {
        Ok((Readiness::Ready, Layout::Distributed)) => {
            (true, "is reachable, distributed, migrated and writable".to_owned())
        }
        Ok((Readiness::Ready, Layout::OneServer)) => (true, "is reachable, migrated and writable".to_owned()),
        Ok((Readiness::NotMigrated, _)) if auto_migrate => {
            (true, "is reachable but lacks migrations; the server migrates it at start".to_owned())
        }
        Ok((Readiness::NotMigrated, _)) => {
            (false, "is reachable but lacks migrations; run `auth-server migrate`".to_owned())
        }
        Ok((Readiness::NeedsStoppedServers, _)) => {
            let cause = "lacks a migration that breaks running servers of an earlier version";
            (false, format!("is reachable but {cause}; {STOP_SERVERS}"))
        }
        Err(error) => (false, format!("cannot be used: {}", CliError::from(error))),
    }
}

async fn check_store(store: &dyn Store) -> Result<(Readiness, Layout), StoreError> {
    store.check_server().await?;
    let ready = store.ready().await?;
    if ready == Readiness::Ready {
        store.probe_write().await?;
    }
    Ok((ready, store.layout().await?))
}

fn check_keys(environment: &Environment) -> Finding {
    let settings = Settings::new(environment);
    let Some(ring) = goptri::settings::access_keys(&settings) else {
        return Finding::new(false, "Keys: none can sign access tokens.");
    };
    match ring.sign(TokenType::Access, &json!({})) {
        Ok(_) => {
            let (name, all) = (ring.signing_key_name(), ring.verifying_keys().describe());
            Finding::new(
                true,
                format!("Keys: {} ({}) signs access tokens; {all} verify them.", name.kid, name.alg),
            )
        }
        Err(error) => Finding::new(false, format!("Keys: the first key cannot sign: {error}.")),
    }
}
