//! `auth-server client …`: the applications that may ask users for access.

mod add;
mod apply;
mod file;
mod show;

use std::sync::Arc;

use auth_domain::{Client, ClientAuthentication, ClientId};
use goptri::clock::SystemClock;
use goptri::keys::Jwks;
use serde_json::Value;

use super::output::{List, Row, minute};
use super::prompt::confirm;
use super::{CliError, Context, DatabaseAccess};
use crate::entropy::SystemEntropy;
use crate::flow::oauth::ManageClients;
use show::{authentication, details, to_json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a client. Prints its id, and its secret, which cannot be shown again
    Add(Box<add::Arguments>),
    /// List all clients
    List,
    /// Show one client, without its secrets
    Show {
        /// The client's id
        #[arg(value_parser = parse_id)]
        client: ClientId,
    },
    /// Remove a client for good, with its sessions, codes and consents. Its access tokens are rejected immediately
    Remove {
        /// The client's id
        #[arg(value_parser = parse_id)]
        client: ClientId,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Add a second secret, and print it. Both are accepted until the older one is dropped
    Secret {
        /// The client's id
        #[arg(value_parser = parse_id)]
        client: ClientId,
        /// Drop the older of two secrets instead
        #[arg(long)]
        drop_old: bool,
    },
    /// Add, change and remove clients, so that they are those of a file
    Apply(apply::Arguments),
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add(arguments) => add::run(*arguments, context).await,
        Command::List => list(context).await,
        Command::Show { client } => {
            let found = with_clients(context, DatabaseAccess::Read, async |clients| {
                Ok(clients.find(&client).await?)
            });
            let client = found.await?;
            context.format.print(&details(&client), &to_json(&client))
        }
        Command::Remove { client, yes } => remove(&client, yes, context).await,
        Command::Secret { client, drop_old } => change_secrets(&client, drop_old, context).await,
        Command::Apply(arguments) => apply::run(&arguments, context).await,
    }
}

fn parse_id(text: &str) -> Result<ClientId, &'static str> {
    ClientId::parse(text).ok_or("a client's id has 1 to 100 characters of printable ASCII")
}

/// Opens the store and does the work.
async fn with_clients<T>(
    context: &Context,
    access: DatabaseAccess,
    work: impl AsyncFnOnce(&ManageClients) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let done = context.with_store(
        access,
        |_| Some(()),
        async |store, ()| {
            let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
            work(&ManageClients { store: Arc::clone(store), clock, entropy }).await
        },
    );
    done.await
}

async fn list(context: &Context) -> Result<(), CliError> {
    let clients =
        with_clients(context, DatabaseAccess::Read, async |clients| Ok(clients.list().await?)).await?;
    let headers = &["CLIENT", "CREATED (UTC)", "AUTHENTICATES BY", "FROM", "NAME"];
    let mut list = List::new(context.format, headers);
    list.print(&clients.iter().map(row).collect::<Vec<_>>())?;
    list.finish("No clients.")
}

fn row(client: &Client) -> Row {
    let cells = vec![
        client.id.as_str().to_owned(),
        minute(client.created_at),
        authentication(client).to_owned(),
        client.origin.as_str().to_owned(),
        client.name.clone(),
    ];
    Row { cells, json: to_json(client) }
}

async fn remove(id: &ClientId, yes: bool, context: &Context) -> Result<(), CliError> {
    let removed = with_clients(context, DatabaseAccess::Change, async |clients| {
        let client = clients.find(id).await?;
        if !yes {
            confirm(&format!("Remove {} and end all its sessions, for good?", client.name))?;
        }
        clients.remove(id).await?;
        Ok(client)
    });
    let client = removed.await?;
    context.format.print(&format!("Removed {} ({}).", client.name, id.as_str()), &to_json(&client))
}

async fn change_secrets(id: &ClientId, drop_old: bool, context: &Context) -> Result<(), CliError> {
    let changed = with_clients(context, DatabaseAccess::Change, async |clients| {
        if drop_old {
            return Ok((clients.drop_old_secret(id).await?, None));
        }
        let (client, secret) = clients.add_secret(id).await?;
        Ok((client, Some(secret)))
    });
    let (client, secret) = changed.await?;
    let mut json = to_json(&client);
    let text = match &secret {
        Some(secret) => {
            json["client_secret"] = Value::from(secret.expose());
            let how = "Both secrets are accepted; drop the older one with --drop-old.";
            format!("{how}\nclient_secret  {}", secret.expose())
        }
        None => format!("Dropped the older secret of {}.", client.name),
    };
    context.format.print(&text, &json)
}

/// The public keys of a file, for `private_key_jwt`.
fn read_jwks(file: &std::path::Path) -> Result<ClientAuthentication, CliError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::io(format!("{shown} cannot be read: {error}")))?;
    match Jwks::parse(text.as_bytes()) {
        Ok((keys, _)) if keys.is_empty() => {
            Err(CliError::new("invalid_client", format!("{shown} has no keys")))
        }
        Ok(_) => Ok(ClientAuthentication::PrivateKeyJwt(text)),
        Err(error) => Err(CliError::new("invalid_client", format!("{shown} is no usable JWK set: {error}"))),
    }
}
