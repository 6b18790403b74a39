//! The command line. It calls the same flows as HTTP; there is no second path to the database.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to people")]

mod failed;
mod key;
mod migrate;
mod secrets;
mod serve;
mod session;
mod sweep;
mod token;
mod user;

use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use auth_store::{Readiness, Store};
use clap::{Parser, Subcommand};
use goptri::SystemClock;
use goptri_server::log_to_stderr;
use goptri_settings::{Environment, Plain, Settings};

use crate::config;
use crate::storage::{self, DatabaseUrl};
pub use failed::Failed;
pub use secrets::fresh_secrets;

#[derive(Parser)]
#[command(name = "auth-server", version, about = "Signs people in, and out. Without a command it serves.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP; what happens when no command is given
    Serve,
    /// Print fresh secrets as lines for .env
    Secrets,
    /// Bring the database's schema up to date
    Migrate,
    /// People who can sign in
    #[command(subcommand)]
    User(user::Command),
    /// Where people are signed in
    #[command(subcommand)]
    Session(session::Command),
    /// Key pairs that sign access tokens
    #[command(subcommand)]
    Key(key::Command),
    /// Delete what nobody needs to remember any more, as a server does every minute
    Sweep,
    /// Tokens
    #[command(subcommand)]
    Token(token::Command),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Secrets) => {
            print!("{}", fresh_secrets());
            Ok(())
        }
        command => actix_web::rt::System::new().block_on(run_with_environment(command)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("auth-server: {failed}");
            failed.exit_code()
        }
    }
}

async fn run_with_environment(command: Option<Command>) -> Result<(), Failed> {
    let environment = Environment::load()?;
    match command {
        None | Some(Command::Serve) => serve::run(&environment).await,
        Some(Command::Migrate) => migrate::run(&environment).await,
        Some(Command::User(command)) => user::run(command, &environment).await,
        Some(Command::Session(command)) => session::run(command, &environment).await,
        Some(Command::Key(command)) => key::run(command, &environment),
        Some(Command::Sweep) => sweep::run(&environment).await,
        Some(Command::Token(command)) => token::run(command, &environment).await,
        Some(Command::Secrets) => Ok(()),
    }
}

/// Which store a command works on, and whether it may migrate it.
struct StoreSettings {
    url: Plain<DatabaseUrl>,
    auto_migrate: bool,
}

impl StoreSettings {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        log_to_stderr(settings);
        let (url, auto_migrate) = (config::database_url(settings), config::auto_migrate(settings));
        Some(Self { url: url?, auto_migrate: auto_migrate? })
    }

    /// The store, migrated as far as `AUTO_MIGRATE` allows.
    async fn open(self) -> Result<Arc<dyn Store>, Failed> {
        let store = storage::open(&self.url, Arc::new(SystemClock))?;
        if self.auto_migrate {
            store.migrate().await?;
        } else if store.ready().await? == Readiness::NotMigrated {
            return Err(Failed::because("the database lacks migrations; run `auth-server migrate` first"));
        }
        Ok(store)
    }
}

/// Prints a line. Whether whoever reads wants more: `head` does not, once it has read enough.
fn print_line(line: &str) -> Result<bool, Failed> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(Failed::because),
    }
}

/// `1 session`, `2 sessions`.
fn sessions_in_words(sessions: u64) -> String {
    format!("{sessions} session{}", if sessions == 1 { "" } else { "s" })
}

/// A secret from a prompt, or from standard input when that is no terminal; never from an argument.
fn read_secret<K: goptri_settings::SecretKind>(prompt: &str) -> Result<Plain<K>, Failed> {
    if std::io::stdin().is_terminal() {
        return Ok(Plain::new(rpassword::prompt_password(prompt).map_err(Failed::because)?));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(Failed::because)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(Plain::new(text))
}
