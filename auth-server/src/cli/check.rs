//! `auth-server check`: whether a start would succeed. Changes nothing.

use std::sync::Arc;

use auth_store::Readiness;
use goptri::clock::SystemClock;
use goptri::token::TokenType;
use goptri_server::log_to_stderr;
use goptri_settings::{Environment, Plain, SettingErrors, Settings};
use serde_json::{Value, json};

use super::{CliError, Context};
use crate::storage::{self, DatabaseUrl};
use crate::{Config, config};

pub(super) async fn run(context: &Context) -> Result<(), CliError> {
    let settings = Settings::new(context.environment());
    log_to_stderr(&settings);
    let config = Config::read(&settings);
    let configuration = settings.into_result(config).map(|_| ());
    let database = check_database(context.environment()).await;
    let keys = check_keys(context.environment());
    let text = [errors_text(&configuration), database.sentence.clone(), keys.sentence.clone()].join("\n");
    let json = json!({
        "ok": configuration.is_ok() && database.ok && keys.ok,
        "configuration": errors_json(&configuration),
        "database": database.to_json(),
        "keys": keys.to_json(),
    });
    context.format.print(&text, &json)?;
    match (configuration, database.ok && keys.ok) {
        (Err(_), _) => Err(CliError::Reported { configuration: true }),
        (Ok(()), false) => Err(CliError::Reported { configuration: false }),
        (Ok(()), true) => Ok(()),
    }
}

fn errors_text(configuration: &Result<(), SettingErrors>) -> String {
    match configuration {
        Ok(()) => "Configuration: no errors.".to_owned(),
        Err(SettingErrors(errors)) => {
            let lines: Vec<_> =
                errors.iter().map(|error| format!("\n  {} {}", error.variable, error.problem)).collect();
            format!(
                "Configuration: {} wrong.{}",
                super::output::count(errors.len() as u64, "setting"),
                lines.concat()
            )
        }
    }
}

fn errors_json(configuration: &Result<(), SettingErrors>) -> Value {
    let errors =
        configuration.as_ref().err().map(|SettingErrors(errors)| errors.as_slice()).unwrap_or_default();
    let error = |error: &goptri_settings::SettingError| json!({ "variable": error.variable, "problem": error.problem });
    json!({ "ok": errors.is_empty(), "errors": errors.iter().map(error).collect::<Vec<_>>() })
}

/// One thing that was checked.
struct Finding {
    ok: bool,
    sentence: String,
}

impl Finding {
    fn new(ok: bool, sentence: impl Into<String>) -> Self {
        Self { ok, sentence: sentence.into() }
    }

    fn to_json(&self) -> Value {
        json!({ "ok": self.ok, "description": self.sentence })
    }
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
    let ready = store.ready().await;
    store.close().await;
    match ready {
        Ok(Readiness::Ready) => (true, "is reachable and migrated".to_owned()),
        Ok(Readiness::NotMigrated) if auto_migrate => {
            (true, "is reachable but lacks migrations; the server migrates it at start".to_owned())
        }
        Ok(Readiness::NotMigrated) => {
            (false, "is reachable but lacks migrations; run `auth-server migrate`".to_owned())
        }
        Err(error) => (false, format!("cannot be used: {}", CliError::from(error))),
    }
}

fn check_keys(environment: &Environment) -> Finding {
    let settings = Settings::new(environment);
    let Some(ring) = goptri::settings::access_keys(&settings) else {
        return Finding::new(false, "Keys: none can sign access tokens.");
    };
    match ring.sign(TokenType::Access, &json!({})) {
        Ok(_) => {
            let (name, all) = (ring.signing_key_name(), ring.verifying().describe());
            Finding::new(
                true,
                format!("Keys: {} ({}) signs access tokens; {all} verify them.", name.kid, name.alg),
            )
        }
        Err(error) => Finding::new(false, format!("Keys: the first key cannot sign: {error}.")),
    }
}
