//! `auth-server database`: where the tables are.

use std::sync::Arc;

use auth_store::{DistributionPlan, Placement, TablePlan};
use clap::{Args, Subcommand};
use goptri::clock::SystemClock;
use serde_json::{Value, json};

use super::{CliError, Context};
use crate::flow::Distribute;
use crate::{config, storage};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Distribute the tables over the nodes of a Citus cluster, through its coordinator
    Distribute(DistributeArguments),
}

#[derive(Args)]
pub(super) struct DistributeArguments {
    /// Only print what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    let Command::Distribute(DistributeArguments { dry_run }) = command;
    let url = context.read(config::database_url)?;
    let no_database =
        || CliError::new("no_database", "the database does not exist; `auth-server migrate` creates it");
    let store = storage::open_existing(&url, Arc::new(SystemClock))?.ok_or_else(no_database)?;
    let flow = Distribute::new(Arc::clone(&store));
    let done = if dry_run { flow.plan().await } else { flow.run().await };
    store.close().await;
    let plan = done?;
    let text = text(&storage::describe(&url), &plan, dry_run);
    context.format.print(&text, &to_json(&plan, dry_run))
}

fn text(database: &str, plan: &DistributionPlan, dry_run: bool) -> String {
    let nodes = plan.nodes.join(", ");
    let lines = plan.tables.iter().map(|table| format!("\n  {}: {}", table.table, state(table, dry_run)));
    let note = if dry_run { "\nNothing was changed." } else { "" };
    format!("The database {database} has data on {nodes}.{}{note}", lines.collect::<String>())
}

/// What happens to a table, as the rest of a sentence.
fn state(table: &TablePlan, dry_run: bool) -> String {
    let placement = match table.placement {
        Placement::By(column) => format!("distributed by {column}"),
        Placement::Everywhere => "copied to every node".to_owned(),
        Placement::PerServer => "one on each node".to_owned(),
    };
    match (table.done, dry_run) {
        (true, _) => format!("{placement} already"),
        (false, true) => format!("to be {placement}"),
        (false, false) => format!("{placement} now"),
    }
}

fn to_json(plan: &DistributionPlan, dry_run: bool) -> Value {
    let tables = plan.tables.iter().map(|table| {
        let (placement, column) = match table.placement {
            Placement::By(column) => ("by_column", Some(column)),
            Placement::Everywhere => ("every_node", None),
            Placement::PerServer => ("each_node_its_own", None),
        };
        json!({ "table": table.table, "placement": placement, "column": column, "was_done": table.done })
    });
    json!({ "nodes": plan.nodes, "tables": tables.collect::<Vec<_>>(), "dry_run": dry_run })
}
