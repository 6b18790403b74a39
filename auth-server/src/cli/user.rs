//! `auth-server user add` and `user list`.

use std::io::{ErrorKind, Write};
use std::sync::Arc;

use auth_domain::{Role, User};
use chrono::SecondsFormat;
use goptri::{Environment, Settings};
use serde_json::{Value, json};

use super::{Failed, StoreSettings, read_secret};
use crate::config;
use crate::flow::{Register, Registration};

/// So many people are read at a time.
const PAGE: u32 = 500;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a person. The password is asked for, or read from standard input
    Add {
        /// Their e-mail address; counts as confirmed
        email: String,
        /// A role; may be given several times
        #[arg(long = "role", value_name = "ROLE", value_parser = |text: &str| Role::parse(text))]
        roles: Vec<Role>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List all people
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    match command {
        Command::Add { email, roles, json } => add(email, roles, json, environment).await,
        Command::List { json } => list(json, environment).await,
    }
}

async fn add(email: String, roles: Vec<Role>, json: bool, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, password_rules) = (StoreSettings::read(&settings), config::password_rules(&settings));
    let (store, password_rules) = settings.finish(store.zip(password_rules))?;
    let store = store.open().await?;
    let register = Register::one_by_one(Arc::clone(&store), password_rules).await?;
    let password = read_secret(&format!("Password for {email}: "))?;
    let user = register.run(Registration { email, email_verified: true, password, roles }).await?;
    if json {
        println!("{}", as_json(&user));
    } else {
        println!("Added {} as {}.", user.email, user.id);
    }
    store.close().await;
    Ok(())
}

async fn list(json: bool, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let store = StoreSettings::read(&settings);
    let store = settings.finish(store)?.open().await?;
    let mut after = None;
    loop {
        let page = store.list_users(after, PAGE).await?;
        for user in &page {
            let line = if json { as_json(user).to_string() } else { as_line(user) };
            match writeln!(std::io::stdout(), "{line}") {
                // Whoever reads has read enough, as `head` does.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written.map_err(Failed::because)?,
            }
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    store.close().await;
    Ok(())
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "roles": user.roles,
        "created_at": user.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "disabled_at": user.disabled_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
    })
}

fn as_line(user: &User) -> String {
    let roles = user.roles.iter().map(Role::as_str).collect::<Vec<_>>().join(",");
    let state = match (user.disabled_at, user.email_verified) {
        (Some(_), _) => "disabled",
        (None, true) => "confirmed",
        (None, false) => "unconfirmed",
    };
    format!("{}  {}  {state:11}  {}  {roles}", user.id, user.created_at.format("%Y-%m-%d"), user.email)
}
