//! `auth-server session list` and `session end`.

use std::sync::Arc;

use auth_domain::{ListedSession, SessionId, SessionKey};
use chrono::Utc;
use goptri_settings::{Environment, Settings};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failed, StoreSettings, print_line, sessions_in_words};
use crate::config;
use crate::flow::{EndSessions, ListSessions, ManageUsers};
use crate::rfc3339::rfc3339;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List where a person is signed in
    List {
        /// Their e-mail address or id
        user: String,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Sign a person out of one session, or of all
    End {
        /// Their e-mail address or id
        user: String,
        /// The session's id, as the list has it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        session: Option<Uuid>,
        /// All their sessions
        #[arg(long)]
        all: bool,
    },
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    match command {
        Command::List { user, json } => list(&user, json, environment).await,
        Command::End { user, session, .. } => end(&user, session.map(SessionId), environment).await,
    }
}

async fn list(user: &str, json: bool, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, idle_lifetime) = (StoreSettings::read(&settings), config::idle_lifetime(&settings).ok());
    let (store, idle_lifetime) = settings.into_result(store.zip(idle_lifetime))?;
    let store = store.open().await?;
    let user = ManageUsers { store: Arc::clone(&store) }.find(user).await?;
    let sessions = ListSessions { store: Arc::clone(&store), idle_lifetime };
    let mut after = None;
    loop {
        let page = sessions.run(user.id, after).await?;
        for session in &page.sessions {
            let line = if json { as_json(session).to_string() } else { as_line(session) };
            if !print_line(&line)? {
                return Ok(());
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    store.close().await;
    Ok(())
}

async fn end(user: &str, session: Option<SessionId>, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let store = StoreSettings::read(&settings);
    let store = settings.into_result(store)?.open().await?;
    let user = ManageUsers { store: Arc::clone(&store) }.find(user).await?;
    let sessions = EndSessions { store: Arc::clone(&store) };
    let ended = match session {
        None => sessions.all(user.id).await?,
        Some(id) if sessions.one(SessionKey { user_id: user.id, id }).await? => 1,
        Some(_) => return Err(Failed::because(format!("{} has no such session", user.email))),
    };
    store.close().await;
    println!("Ended {} of {}.", sessions_in_words(ended), user.email);
    Ok(())
}

fn as_json(session: &ListedSession) -> Value {
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

fn as_line(session: &ListedSession) -> String {
    let minutes = |time: chrono::DateTime<Utc>| time.format("%Y-%m-%d %H:%M");
    format!(
        "{}  since {}  last used {}  {}  {}  {}",
        session.id,
        minutes(session.created_at),
        minutes(session.last_used_at),
        session.client_id.as_str(),
        session.ip.as_deref().unwrap_or("-"),
        session.user_agent.as_deref().unwrap_or("-"),
    )
}
