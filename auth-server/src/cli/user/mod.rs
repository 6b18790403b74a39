//! `auth-server user …`: the accounts that can sign in.

mod list;
mod roles;
mod show;

use std::sync::Arc;

use auth_domain::{Role, User};
use goptri::clock::SystemClock;

use super::output::count;
use super::prompt::{confirm, read_new_password};
use super::{CliError, Context, DatabaseAccess};
use crate::config;
use crate::entropy::SystemEntropy;
use crate::flow::{ManageUsers, Register, Registration, SetPassword};
use show::print_user;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Add a user. The password is asked for, or read from standard input
    Add {
        /// The e-mail address; it counts as confirmed
        email: String,
        /// A role of the user; may be given several times
        #[arg(long = "role", value_name = "ROLE", value_parser = Role::parse)]
        roles: Vec<Role>,
    },
    /// List users, oldest first
    List(list::Arguments),
    /// Show one user
    Show {
        /// The user's e-mail address or id
        user: String,
    },
    /// Show, replace, add or remove the roles of a user. Tokens have them from the next refresh
    Roles(roles::Arguments),
    /// Change the e-mail address of a user. The new one is unconfirmed
    Email {
        /// The user's e-mail address or id
        user: String,
        /// The new e-mail address
        new: String,
        /// The new address counts as confirmed
        #[arg(long)]
        verified: bool,
    },
    /// Mark the e-mail address of a user as confirmed
    Confirm {
        /// The user's e-mail address or id
        user: String,
    },
    /// Set a user's password and end all sessions. It is asked for, or read from standard input
    Password {
        /// The user's e-mail address or id
        user: String,
    },
    /// Block sign-in of a user and end all sessions
    Disable {
        /// The user's e-mail address or id
        user: String,
    },
    /// Allow a disabled user to sign in again
    Enable {
        /// The user's e-mail address or id
        user: String,
    },
    /// Delete a user and all sessions for good, but not the photos
    Delete {
        /// The user's e-mail address or id
        user: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add { email, roles } => add(email, roles, context).await,
        Command::List(arguments) => list::run(arguments, context).await,
        Command::Show { user } => {
            let user = with_user(context, DatabaseAccess::Read, &user, async |_, user| Ok(user)).await?;
            print_user(context.format, &user, &show::details(&user), None)
        }
        Command::Roles(arguments) => roles::run(arguments, context).await,
        Command::Email { user, new, verified } => set_email(&user, &new, verified, context).await,
        Command::Confirm { user } => {
            let confirmed = with_user(context, DatabaseAccess::Change, &user, async |users, user| {
                users.confirm_email(&user).await?;
                Ok(User { email_verified: true, ..user })
            });
            let user = confirmed.await?;
            print_user(context.format, &user, &format!("Confirmed the address {}.", user.email), None)
        }
        Command::Password { user } => set_password(&user, context).await,
        Command::Disable { user } => {
            let (user, ended) = with_user(context, DatabaseAccess::Change, &user, async |users, user| {
                let ended = users.disable(user.id).await?;
                Ok((users.find(&user.id.to_string()).await?, ended))
            })
            .await?;
            let text = format!("Disabled {}; {} ended.", user.email, count(ended, "session"));
            print_user(context.format, &user, &text, Some(ended))
        }
        Command::Enable { user } => {
            let enabled = with_user(context, DatabaseAccess::Change, &user, async |users, user| {
                users.enable(user.id).await?;
                Ok(User { disabled_at: None, ..user })
            });
            let user = enabled.await?;
            print_user(context.format, &user, &format!("Enabled {}.", user.email), None)
        }
        Command::Delete { user, yes } => delete(&user, yes, context).await,
    }
}

/// Finds the user and does the work.
async fn with_user<T>(
    context: &Context,
    access: DatabaseAccess,
    name: &str,
    work: impl AsyncFnOnce(&ManageUsers, User) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let found = context.with_store(
        access,
        |_| Some(()),
        async |store, ()| {
            let users = ManageUsers { store: Arc::clone(store) };
            let user = users.find(name).await?;
            work(&users, user).await
        },
    );
    found.await
}

async fn add(email: String, roles: Vec<Role>, context: &Context) -> Result<(), CliError> {
    let added = context.with_store(DatabaseAccess::Create, config::password_rules, async |store, rules| {
        let clock = Arc::new(SystemClock);
        let register = Register::new(Arc::clone(store), rules, clock, Arc::new(SystemEntropy)).await?;
        let password = read_new_password(&format!("Password for {email}: "))?;
        Ok(register.run(Registration { email, email_verified: true, password, roles }).await?)
    });
    let user = added.await?;
    print_user(context.format, &user, &format!("Added {} as {}.", user.email, user.id), None)
}

async fn set_email(name: &str, new: &str, verified: bool, context: &Context) -> Result<(), CliError> {
    let changed = with_user(context, DatabaseAccess::Change, name, async |users, user| {
        Ok((users.set_email(user.id, new, verified).await?, user.email))
    });
    let (user, old) = changed.await?;
    let state = if user.email_verified { "confirmed" } else { "not confirmed yet" };
    let text = format!("Changed the address {old} to {}, which is {state}.", user.email);
    print_user(context.format, &user, &text, None)
}

async fn set_password(name: &str, context: &Context) -> Result<(), CliError> {
    let set = context.with_store(DatabaseAccess::Change, config::password_rules, async |store, rules| {
        let users = ManageUsers { store: Arc::clone(store) };
        let user = users.find(name).await?;
        let flow = SetPassword::new(Arc::clone(store), rules, Arc::new(SystemEntropy)).await?;
        let password = read_new_password(&format!("New password for {}: ", user.email))?;
        let ended = flow.run(&user, &password).await?;
        Ok((user, ended))
    });
    let (user, ended) = set.await?;
    let text = format!("Set the password of {}; {} ended.", user.email, count(ended, "session"));
    print_user(context.format, &user, &text, Some(ended))
}

async fn delete(name: &str, yes: bool, context: &Context) -> Result<(), CliError> {
    let deleted = with_user(context, DatabaseAccess::Change, name, async |users, user| {
        if !yes {
            confirm(&format!("Delete {} and all sessions for good (not the photos)?", user.email))?;
        }
        let ended = users.delete(user.id).await?;
        Ok((user, ended))
    });
    let (user, ended) = deleted.await?;
    let text = format!("Deleted {}; {} ended.", user.email, count(ended, "session"));
    print_user(context.format, &user, &text, Some(ended))
}
