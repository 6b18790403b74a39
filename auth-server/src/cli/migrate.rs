//! `auth-server migrate`: migrates the database apart from serving (`AUTO_MIGRATE=off`).

use std::sync::Arc;

use auth_store::{Layout, RunningServers, Store, StoreError};
use goptri::clock::SystemClock;
use serde_json::{Value, json};

use super::{CliError, Context};
use crate::flow::{Migrate, UnusableAddress, UnusableBecause};
use crate::{config, storage};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Apply also a migration that breaks running servers of an earlier version. Stop all servers first
    #[arg(long)]
    servers_stopped: bool,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let servers = if arguments.servers_stopped { RunningServers::Stopped } else { RunningServers::Possible };
    let url = context.read(config::database_url)?;
    let store = storage::open(&url, Arc::new(SystemClock))?;
    let migrated = migrate(&store, servers).await;
    store.close().await;
    let (unusable, layout) = migrated?;
    let database = storage::describe(&url);
    let lines = unusable.iter().map(|UnusableAddress { user, reason }| {
        format!("\nUser {} cannot sign in as {}: {reason}.", user.user_id, user.email)
    });
    let remedy =
        if unusable.is_empty() { "" } else { "\n`auth-server user email` changes the address of a user." };
    let distributed = layout == Layout::Distributed;
    let note =
        if distributed { "\n`auth-server database distribute` distributes tables that are new." } else { "" };
    let text = format!("The database {database} is up to date.{note}{}{remedy}", lines.collect::<String>());
    let unusable: Vec<_> = unusable.iter().map(to_json).collect();
    let json = json!({
        "database": database, "migrated": true, "distributed": distributed, "unusable_addresses": unusable
    });
    context.format.print(&text, &json)
}

async fn migrate(
    store: &Arc<dyn Store>,
    servers: RunningServers,
) -> Result<(Vec<UnusableAddress>, Layout), StoreError> {
    store.check_server().await?;
    let unusable = Migrate::new(Arc::clone(store)).run_and_recompute_keys(servers).await?;
    Ok((unusable, store.layout().await?))
}

fn to_json(UnusableAddress { user, reason }: &UnusableAddress) -> Value {
    let older = match reason {
        UnusableBecause::OlderUser(older) => Some(older),
        UnusableBecause::Refused => None,
    };
    json!({ "user_id": user.user_id, "email": user.email.as_str(), "older_user_id": older })
}
