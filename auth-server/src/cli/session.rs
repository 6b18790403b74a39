//! `auth-server session list` and `session end`.

use std::sync::Arc;

use auth_domain::{ListedSession, SessionId, SessionKey, User};
use auth_store::Store;
use serde_json::{Value, json};
use uuid::Uuid;

use super::output::{List, Row, count, minute};
use super::prompt::confirm;
use super::{CliError, Context, DatabaseAccess};
use crate::config;
use crate::flow::{EndSessions, EndedForAll, ListSessions, ManageUsers};
use crate::rfc3339::rfc3339;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List the live sessions of a user, newest first
    List {
        /// The user's e-mail address or id
        user: String,
    },
    /// End one session of a user, all of them, or all sessions of all users. Access tokens are rejected immediately
    End {
        /// The user's e-mail address or id
        #[arg(required_unless_present = "all_users")]
        user: Option<String>,
        /// The session's id, as `session list` shows it
        #[arg(value_parser = parse_id, conflicts_with = "all")]
        session: Option<SessionId>,
        /// End all sessions of the user
        #[arg(long)]
        all: bool,
        /// End all sessions of all users, for instance before a restored backup is served
        #[arg(long, conflicts_with_all = ["user", "session", "all"])]
        all_users: bool,
        /// Do not ask for confirmation of --all-users
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List { user } => list(&user, context).await,
        Command::End { user: None, yes, .. } => end_all_users(yes, context).await,
        Command::End { user: Some(user), session: None, all: false, .. } => Err(CliError::arguments(
            format!("name a session, as `auth-server session list {user}` shows it, or end all with --all"),
        )),
        Command::End { user: Some(user), session, .. } => end(&user, session, context).await,
    }
}

fn parse_id(text: &str) -> Result<SessionId, &'static str> {
    match Uuid::try_parse(text) {
        Ok(id) => Ok(SessionId(id)),
        Err(_) => Err("this is not a session id, which looks like 019a5f3e-7c1d-7b42-9f10-3d2a6c5e8b71; \
                       `auth-server session list USER` shows them"),
    }
}

async fn find(store: &Arc<dyn Store>, user: &str) -> Result<User, CliError> {
    Ok(ManageUsers { store: Arc::clone(store) }.find(user).await?)
}

async fn list(user: &str, context: &Context) -> Result<(), CliError> {
    let sessions = context.with_store(
        DatabaseAccess::Read,
        |settings| config::idle_lifetime(settings).ok(),
        async |store, idle_lifetime| {
            let user = find(store, user).await?;
            let flow = ListSessions { store: Arc::clone(store), idle_lifetime };
            let (mut sessions, mut after) = (Vec::new(), None);
            loop {
                let page = flow.run(user.id, after).await?;
                sessions.extend(page.sessions);
                after = page.next;
                if after.is_none() {
                    return Ok(sessions);
                }
            }
        },
    );
    let mut sessions = sessions.await?;
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    let headers = &["SESSION", "CREATED (UTC)", "LAST USED (UTC)", "CLIENT", "IP", "USER AGENT"];
    let mut list = List::new(context.format, headers);
    list.print(&sessions.iter().map(row).collect::<Vec<_>>())?;
    list.finish("No sessions.")
}

async fn end(user: &str, session: Option<SessionId>, context: &Context) -> Result<(), CliError> {
    let ended = context.with_store(
        DatabaseAccess::Change,
        |_| Some(()),
        async |store, ()| {
            let user = find(store, user).await?;
            let sessions = EndSessions { store: Arc::clone(store) };
            let ended = match session {
                None => sessions.of_user(user.id).await?,
                Some(id) => u64::from(sessions.one(SessionKey { user_id: user.id, id }).await?),
            };
            Ok((user, ended))
        },
    );
    let (user, ended) = ended.await?;
    if session.is_some() && ended == 0 {
        return Err(CliError::new("not_found", format!("{} has no such session", user.email)));
    }
    context.format.print(
        &format!("Ended {} of {}.", count(ended, "session"), user.email),
        &json!({ "user_id": user.id, "ended_sessions": ended }),
    )
}

async fn end_all_users(yes: bool, context: &Context) -> Result<(), CliError> {
    if !yes {
        confirm("End all sessions of all users? Everyone has to sign in again.")?;
    }
    let ended = context.with_store(
        DatabaseAccess::Change,
        |_| Some(()),
        async |store, ()| {
            let sessions = EndSessions { store: Arc::clone(store) };
            let progress = |users| context.format.note(&format!("{users} users checked so far …"));
            Ok(sessions.of_all_users(progress).await?)
        },
    );
    let EndedForAll { users, sessions } = ended.await?;
    context.format.print(
        &format!("Ended {} of {}.", count(sessions, "session"), count(users, "user")),
        &json!({ "users": users, "ended_sessions": sessions }),
    )
}

fn row(session: &ListedSession) -> Row {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let cells = vec![
        session.id.to_string(),
        minute(session.created_at),
        minute(session.last_used_at),
        session.client_id.as_str().to_owned(),
        or_dash(&session.ip),
        or_dash(&session.user_agent),
    ];
    Row { cells, json: to_json(session) }
}

fn to_json(session: &ListedSession) -> Value {
    json!({
        "id": session.id,
        "client_id": session.client_id.as_str(),
        "user_agent": session.user_agent,
        "ip": session.ip,
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.last_used_at),
        "expires_at": session.expires_at.map(rfc3339),
    })
}
