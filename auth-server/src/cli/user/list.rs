//! `auth-server user list`.

use std::sync::Arc;

use super::show::{role_names, state, to_json};
use crate::cli::output::{List, Row, minute};
use crate::cli::{CliError, Context, DatabaseAccess};
use crate::flow::ListUsers;

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Only users whose e-mail address contains this text, in any capitals
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most this many users
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let Arguments { search, limit } = arguments;
    let mut list = List::new(context.format, &["USER", "CREATED (UTC)", "STATE", "ROLES", "EMAIL"]);
    let list = context.with_store(
        DatabaseAccess::Read,
        |_| Some(()),
        async |store, ()| {
            let users = ListUsers { store: Arc::clone(store), search };
            let (mut rest, mut after) = (limit.unwrap_or(u32::MAX), None);
            loop {
                let page = users.run(after, rest).await?;
                let rows: Vec<_> = page.users.iter().map(row).collect();
                rest -= u32::try_from(rows.len()).unwrap_or(rest).min(rest);
                after = page.next;
                if !list.print(&rows)? || rest == 0 || after.is_none() {
                    return Ok(list);
                }
            }
        },
    );
    list.await?.finish("No users.")
}

fn row(user: &auth_domain::User) -> Row {
    let cells = vec![
        user.id.to_string(),
        minute(user.created_at),
        state(user).to_owned(),
        role_names(&user.roles),
        user.email.to_string(),
    ];
    Row { cells, json: to_json(user) }
}
