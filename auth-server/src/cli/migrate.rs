//! `auth-server migrate`: migrates the database apart from serving (`AUTO_MIGRATE=off`).

use std::sync::Arc;

use goptri::clock::SystemClock;
use serde_json::json;

use super::{CliError, Context};
use crate::{config, storage};

pub(super) async fn run(context: &Context) -> Result<(), CliError> {
    let url = context.read(config::database_url)?;
    let store = storage::open(&url, storage::MIN_CONNECTIONS, Arc::new(SystemClock))?;
    let migrated = match store.check_server().await {
        Ok(()) => store.migrate().await,
        unusable => unusable,
    };
    store.close().await;
    migrated?;
    let database = storage::describe(&url);
    context.format.print(
        &format!("The database {database} is up to date."),
        &json!({ "database": database, "migrated": true }),
    )
}
