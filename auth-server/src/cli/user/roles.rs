//! `auth-server user roles`.

use auth_domain::{Role, User};

use super::show::{print_user, role_names};
use super::with_user;
use crate::cli::DatabaseAccess::{Change, Read};
use crate::cli::{CliError, Context};
use crate::flow::RoleChange;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    change: Option<Command>,
    /// The user's e-mail address or id
    #[arg(required = true)]
    user: Option<String>,
    /// The new roles, which replace all others. Without any, the roles are shown
    #[arg(value_name = "ROLE", value_parser = Role::parse, conflicts_with = "none")]
    roles: Vec<Role>,
    /// Remove all roles
    #[arg(long)]
    none: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Add roles to those that the user has
    Add {
        /// The user's e-mail address or id
        user: String,
        /// The roles to add
        #[arg(value_name = "ROLE", value_parser = Role::parse, required = true)]
        roles: Vec<Role>,
    },
    /// Remove roles; the user keeps all others
    Remove {
        /// The user's e-mail address or id
        user: String,
        /// The roles to remove
        #[arg(value_name = "ROLE", value_parser = Role::parse, required = true)]
        roles: Vec<Role>,
    },
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let Arguments { change, user, roles, none } = arguments;
    let user = match (change, user) {
        (Some(Command::Add { user, roles }), _) => {
            change_roles(&user, &RoleChange::Add(roles), context).await?
        }
        (Some(Command::Remove { user, roles }), _) => {
            change_roles(&user, &RoleChange::Remove(roles), context).await?
        }
        (None, Some(user)) if none || !roles.is_empty() => replace(&user, roles, context).await?,
        (None, Some(user)) => with_user(context, Read, &user, async |_, user| Ok(user)).await?,
        (None, None) => return Err(CliError::arguments("name a user by e-mail address or id")),
    };
    let text = match user.roles.as_slice() {
        [] => format!("{} has no roles.", user.email),
        roles => format!("The roles of {}: {}.", user.email, role_names(roles)),
    };
    print_user(context.format, &user, &text, None)
}

async fn change_roles(name: &str, change: &RoleChange, context: &Context) -> Result<User, CliError> {
    let changed = with_user(context, Change, name, async |users, user| {
        Ok(User { roles: users.change_roles(&user, change).await?, ..user })
    });
    changed.await
}

async fn replace(name: &str, roles: Vec<Role>, context: &Context) -> Result<User, CliError> {
    let replaced = with_user(context, Change, name, async |users, user| {
        users.set_roles(user.id, &roles).await?;
        Ok(User { roles, ..user })
    });
    replaced.await
}
