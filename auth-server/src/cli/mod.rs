//! The command line. Commands call the same flows as HTTP, and never the store.

mod check;
mod client;
mod context;
mod database;
mod error;
mod key;
mod migrate;
mod new_file;
mod output;
mod prompt;
mod scope;
mod secrets;
mod serve;
mod session;
mod sweep;
mod token;
mod user;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use goptri_server::{flush_log, print_error};

use context::{Context, DatabaseAccess};
pub use error::CliError;
use output::Format;
pub use secrets::fresh_secrets;

#[derive(Parser)]
#[command(
    name = "auth-server",
    version,
    about = "Signs users in, issues and refreshes tokens, and ends sessions. Without a command, it serves.",
    after_help = "Settings are read from the environment and from .env in the working directory. \
                  The exit code is 2 if they cannot be used, and 1 for every other error."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON: an array for lists, an object otherwise. Errors are JSON too, on standard error
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP. This is the default
    Serve,
    /// Check the configuration, the keys, and whether the database commits writes, without starting
    Check,
    /// Print new random secrets as lines for .env
    Secrets(secrets::Arguments),
    /// Distribute the database over several servers
    #[command(subcommand)]
    Database(database::Command),
    /// Create the database or bring its schema up to date
    Migrate(migrate::Arguments),
    /// Add, list and change users
    #[command(subcommand)]
    User(user::Command),
    /// List and end sessions
    #[command(subcommand)]
    Session(session::Command),
    /// Add, list, change and remove the applications that may ask users for access
    #[command(subcommand)]
    Client(client::Command),
    /// Add, list and remove the scopes that applications may ask for
    #[command(subcommand)]
    Scope(scope::Command),
    /// Generate and list the keys that sign access tokens
    #[command(subcommand)]
    Key(key::Command),
    /// Inspect and revoke tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Delete expired sessions and revocations now; a server does so every minute
    Sweep,
}

/// The definition of all commands, for documentation.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return not_parsed(&error),
    };
    let format = if arguments.json { Format::Json } else { Format::Text };
    let code = match actix_web::rt::System::new().block_on(run_command(arguments.command, format)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, format);
            error.exit_code()
        }
    };
    flush_log();
    code
}

async fn run_command(command: Option<Command>, format: Format) -> Result<(), CliError> {
    match command {
        None | Some(Command::Serve) => serve::run().await,
        Some(Command::Secrets(arguments)) => secrets::run(&arguments, format),
        Some(command) => {
            // A check also shows the warnings with which a server would start.
            let level = if matches!(command, Command::Check) { "warn" } else { "error" };
            let context = &Context::load(format, level)?;
            match command {
                Command::Check => check::run(context).await,
                Command::Database(command) => database::run(command, context).await,
                Command::Migrate(arguments) => migrate::run(&arguments, context).await,
                Command::User(command) => user::run(command, context).await,
                Command::Session(command) => session::run(command, context).await,
                Command::Client(command) => client::run(command, context).await,
                Command::Scope(command) => scope::run(command, context).await,
                Command::Key(command) => key::run(command, context),
                Command::Token(command) => token::run(command, context).await,
                Command::Sweep => sweep::run(context).await,
                Command::Serve | Command::Secrets(_) => Ok(()),
            }
        }
    }
}

fn report(error: &CliError, format: Format) {
    match (error, format) {
        (CliError::Reported { .. }, _) => {}
        (_, Format::Text) => print_error(format_args!("auth-server: {error}")),
        (_, Format::Json) => print_error(error.to_json()),
    }
}

/// Shows help, the version, or what is wrong with the arguments. The latter exits with 1: 2 is for the configuration.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let sentence = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        report(&CliError::arguments(sentence), Format::Json);
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::from(error.use_stderr()))
}
