//! `auth-server sweep`: does now what a server does every minute.

use std::sync::Arc;

use serde_json::json;

use super::{CliError, Context, DatabaseAccess};
use crate::config;
use crate::flow::Sweep;

pub(super) async fn run(context: &Context) -> Result<(), CliError> {
    context
        .with_store(
            DatabaseAccess::Change,
            |settings| config::idle_lifetime(settings).ok(),
            async |store, idle_lifetime| {
                let sweep = Sweep { store: Arc::clone(store), idle_lifetime };
                let progress = |checked| context.format.note(&format!("{checked} sessions checked so far …"));
                let swept = sweep.run(progress).await?;
                context.format.print(
                    &format!(
                        "Deleted {} revocations, {} expired sessions, {} authorization codes and {} pushed requests.",
                        swept.records, swept.sessions, swept.codes, swept.requests
                    ),
                    &json!({
                        "revocations": swept.records,
                        "sessions": swept.sessions,
                        "codes": swept.codes,
                        "pushed_requests": swept.requests,
                    }),
                )
            },
        )
        .await
}
