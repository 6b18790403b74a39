//! `auth-server scope …`: the scopes that clients may ask for.

use std::sync::Arc;

use auth_domain::{OFFLINE_ACCESS, RegisteredScope};
use serde_json::{Value, json};

use super::output::{List, Row};
use super::{CliError, Context, DatabaseAccess};
use crate::flow::oauth::ManageScopes;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a scope, or change its description and its API
    Add {
        /// The scope, one word
        scope: String,
        /// What it permits, as the consent page words it: "See your photos"
        #[arg(long)]
        description: String,
        /// The API to which it belongs, if it is not AUDIENCE
        #[arg(long, value_name = "URI")]
        resource: Option<String>,
    },
    /// List all scopes
    List,
    /// Remove a scope. Sessions keep what they were granted
    Remove {
        /// The scope
        scope: String,
    },
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add { scope: name, description, resource } => {
            let scope = RegisteredScope { name, description: description.trim().to_owned(), resource };
            let added =
                with_scopes(context, DatabaseAccess::Create, async |scopes| Ok(scopes.put(&scope).await?));
            added.await?;
            context.format.print(&format!("Added {}.", scope.name), &to_json(&scope))
        }
        Command::List => list(context).await,
        Command::Remove { scope } => {
            let removed = with_scopes(context, DatabaseAccess::Change, async |scopes| {
                Ok(scopes.remove(&scope).await?)
            });
            removed.await?;
            context.format.print(&format!("Removed {scope}."), &json!({ "name": scope }))
        }
    }
}

async fn with_scopes<T>(
    context: &Context,
    access: DatabaseAccess,
    work: impl AsyncFnOnce(&ManageScopes) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let done = context.with_store(
        access,
        |_| Some(()),
        async |store, ()| work(&ManageScopes { store: Arc::clone(store) }).await,
    );
    done.await
}

async fn list(context: &Context) -> Result<(), CliError> {
    let scopes = with_scopes(context, DatabaseAccess::Read, async |scopes| Ok(scopes.list().await?)).await?;
    let built_in = RegisteredScope {
        name: OFFLINE_ACCESS.to_owned(),
        description: "Keep access when you sign out (built in)".to_owned(),
        resource: None,
    };
    let mut list = List::new(context.format, &["SCOPE", "API", "DESCRIPTION"]);
    list.print(&scopes.iter().chain([&built_in]).map(row).collect::<Vec<_>>())?;
    list.finish("No scopes.")
}

fn row(scope: &RegisteredScope) -> Row {
    let api = scope.resource.clone().unwrap_or_else(|| "-".to_owned());
    Row { cells: vec![scope.name.clone(), api, scope.description.clone()], json: to_json(scope) }
}

fn to_json(scope: &RegisteredScope) -> Value {
    json!({ "name": scope.name, "description": scope.description, "resource": scope.resource })
}
