//! `auth-server user …`: the people who can sign in.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use auth_domain::{Role, User};
use auth_store::Store;
use goptri::SystemClock;
use goptri_settings::{Environment, Settings};
use serde_json::{Value, json};

use super::{Failed, StoreSettings, print_line, read_secret, sessions_in_words};
use crate::config;
use crate::entropy::SystemEntropy;
use crate::flow::{ManageUsers, Register, Registration, SetPassword};
use crate::rfc3339::rfc3339;

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
    /// Say which roles a person has, or give them these and no others, from their next refresh on
    Roles {
        /// Their e-mail address or id
        user: String,
        /// The roles that they have from now on
        #[arg(value_name = "ROLE", value_parser = |text: &str| Role::parse(text), conflicts_with = "none")]
        roles: Vec<Role>,
        /// Take all roles away
        #[arg(long)]
        none: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a person another password and end all their sessions. It is asked for, or read from standard input
    Password {
        /// Their e-mail address or id
        user: String,
    },
    /// Let a person sign in no more, and end all their sessions
    Disable {
        /// Their e-mail address or id
        user: String,
    },
    /// Let a person sign in again
    Enable {
        /// Their e-mail address or id
        user: String,
    },
    /// Delete a person for good, with all their sessions
    Delete {
        /// Their e-mail address or id
        user: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    match command {
        Command::Add { email, roles, json } => add(email, roles, json, environment).await,
        Command::List { json } => list(json, environment).await,
        Command::Roles { user, roles, none, json } => {
            let person = Person::find(&user, environment).await?;
            let user =
                if none || !roles.is_empty() { person.set_roles(&roles).await? } else { person.user.clone() };
            println!("{}", if json { as_json(&user).to_string() } else { as_line(&user) });
            person.close().await
        }
        Command::Password { user } => set_password(&user, environment).await,
        Command::Disable { user } => {
            let person = Person::find(&user, environment).await?;
            let ended = person.people.disable(person.user.id).await?;
            println!("{} can sign in no more; {} ended.", person.user.email, sessions_in_words(ended));
            person.close().await
        }
        Command::Enable { user } => {
            let person = Person::find(&user, environment).await?;
            person.people.enable(person.user.id).await?;
            println!("{} can sign in.", person.user.email);
            person.close().await
        }
        Command::Delete { user, yes } => {
            let person = Person::find(&user, environment).await?;
            if !yes {
                confirm(&format!(
                    "Delete {} and all their sessions for good (not their pictures)?",
                    person.user.email
                ))?;
            }
            let ended = person.people.delete(person.user.id).await?;
            println!("Deleted {}; {} ended.", person.user.email, sessions_in_words(ended));
            person.close().await
        }
    }
}

/// A person who was named, and what can be done to them.
struct Person {
    store: Arc<dyn Store>,
    people: ManageUsers,
    user: User,
}

impl Person {
    async fn find(name: &str, environment: &Environment) -> Result<Self, Failed> {
        let settings = Settings::new(environment);
        let store = StoreSettings::read(&settings);
        Self::find_in(settings.into_result(store)?.open().await?, name).await
    }

    async fn find_in(store: Arc<dyn Store>, name: &str) -> Result<Self, Failed> {
        let people = ManageUsers { store: Arc::clone(&store) };
        let user = people.find(name).await?;
        Ok(Self { store, people, user })
    }

    async fn set_roles(&self, roles: &[Role]) -> Result<User, Failed> {
        self.people.set_roles(self.user.id, roles).await?;
        Ok(User { roles: roles.to_vec(), ..self.user.clone() })
    }

    async fn close(self) -> Result<(), Failed> {
        self.store.close().await;
        Ok(())
    }
}

async fn set_password(name: &str, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, rules) = (StoreSettings::read(&settings), config::password_rules(&settings));
    let (store, rules) = settings.into_result(store.zip(rules))?;
    let person = Person::find_in(store.open().await?, name).await?;
    let password = read_secret(&format!("New password for {}: ", person.user.email))?;
    let set_password = SetPassword::new(Arc::clone(&person.store), rules, Arc::new(SystemEntropy)).await?;
    let ended = set_password.run(&person.user, &password).await?;
    println!("{} has a new password; {} ended.", person.user.email, sessions_in_words(ended));
    person.close().await
}

/// Asks, where there is somebody to ask.
fn confirm(question: &str) -> Result<(), Failed> {
    if !std::io::stdin().is_terminal() {
        return Err(Failed::because("this cannot be undone; say --yes"));
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush().map_err(Failed::because)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failed::because)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failed::because("nothing was done")) }
}

async fn add(email: String, roles: Vec<Role>, json: bool, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, password_rules) = (StoreSettings::read(&settings), config::password_rules(&settings));
    let (store, password_rules) = settings.into_result(store.zip(password_rules))?;
    let store = store.open().await?;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let register = Register::new(Arc::clone(&store), password_rules, clock, entropy).await?;
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
    let store = settings.into_result(store)?.open().await?;
    let mut after = None;
    loop {
        let page = store.list_users(after, PAGE).await?;
        for user in &page {
            let line = if json { as_json(user).to_string() } else { as_line(user) };
            if !print_line(&line)? {
                return Ok(());
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
        "created_at": rfc3339(user.created_at),
        "disabled_at": user.disabled_at.map(rfc3339),
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
