//! `auth-server client apply`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{file, with_clients};
use crate::cli::output::count;
use crate::cli::{CliError, Context, DatabaseAccess};
use crate::flow::oauth::{ChangeKind, ClientChange};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The file, in TOML
    file: PathBuf,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let Arguments { file, dry_run } = arguments;
    let wanted = file::read(file)?;
    let access = if *dry_run { DatabaseAccess::Read } else { DatabaseAccess::Create };
    let applied = with_clients(context, access, async |clients| Ok(clients.apply(wanted, *dry_run).await?));
    let changes = applied.await?;
    context.format.print(&text(&changes, *dry_run), &to_json(&changes, *dry_run))
}

fn text(changes: &[ClientChange], dry_run: bool) -> String {
    let mut lines: Vec<_> = changes.iter().filter_map(line).collect();
    let unchanged = changes.iter().filter(|change| change.kind == ChangeKind::Unchanged).count();
    lines.push(format!("{} unchanged.", count(unchanged as u64, "client")));
    if dry_run {
        lines.push("Nothing was changed.".to_owned());
    }
    lines.join("\n")
}

fn line(change: &ClientChange) -> Option<String> {
    let id = change.id.as_str();
    let what = match &change.kind {
        ChangeKind::Added => format!("+ {id}"),
        ChangeKind::Changed(settings) => format!("~ {id}: {}", settings.join(", ")),
        ChangeKind::Removed => format!("- {id}"),
        ChangeKind::Unchanged => return None,
    };
    Some(match &change.secret {
        Some(secret) => format!("{what}\n  client_secret  {}", secret.expose()),
        None => what,
    })
}

fn to_json(changes: &[ClientChange], dry_run: bool) -> Value {
    let changes = changes.iter().map(|change| {
        let (kind, settings) = match &change.kind {
            ChangeKind::Added => ("added", &[][..]),
            ChangeKind::Changed(settings) => ("changed", settings.as_slice()),
            ChangeKind::Removed => ("removed", &[][..]),
            ChangeKind::Unchanged => ("unchanged", &[][..]),
        };
        let mut json = json!({ "id": change.id.as_str(), "change": kind, "settings": settings });
        if let Some(secret) = &change.secret {
            json["client_secret"] = Value::from(secret.expose());
        }
        json
    });
    json!({ "clients": changes.collect::<Vec<_>>(), "dry_run": dry_run })
}
