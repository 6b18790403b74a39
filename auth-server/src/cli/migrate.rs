//! `auth-server migrate`: for those who keep it apart from serving (`AUTO_MIGRATE=off`).

use std::sync::Arc;

use goptri::SystemClock;
use goptri_server::log_to_stderr;
use goptri_settings::{Environment, Settings};

use super::Failed;
use crate::{config, storage};

pub(super) async fn run(environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    log_to_stderr(&settings);
    let url = config::database_url(&settings);
    let url = settings.into_result(url)?;
    let store = storage::open(&url, Arc::new(SystemClock))?;
    store.migrate().await?;
    store.close().await;
    println!("The database is up to date.");
    Ok(())
}
