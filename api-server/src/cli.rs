//! The command line: `serve`, the default, and `check`.

mod check;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use goptri::clock::SystemClock;
use goptri::revocation::SystemMonotonicClock;
use goptri_server::{
    SighupReload, flush_log, log_to_stderr, print_error, raise_descriptor_limit, stop_signal,
};
use goptri_settings::{Environment, EnvironmentError, SettingErrors, Settings};

use crate::{Application, Config, StartError};

#[derive(Parser)]
#[command(
    name = "api-server",
    version,
    about = "A sample application that stores photos for the users of auth-server. Without a command, it serves.",
    after_help = "Settings are read from the environment and from .env in the working directory. \
                  The exit code is 2 if they cannot be used, and 1 for every other error."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP. This is the default
    Serve,
    /// Check the configuration, the folder of photos and the connection to auth-server, without serving
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Settings(#[from] SettingErrors),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// `check` has printed what is wrong.
    #[error("the check failed")]
    CheckFailed {
        /// Whether the configuration is invalid.
        configuration: bool,
    },
}

impl CliError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Environment(_) | Self::Settings(_) | Self::CheckFailed { configuration: true } => 2,
            Self::Start(_) | Self::Io(_) | Self::CheckFailed { configuration: false } => 1,
        })
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and the version are not errors. Others exit with 1: 2 is for the configuration.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let done = actix_web::rt::System::new().block_on(async {
        match arguments.command {
            None | Some(Command::Serve) => serve().await,
            Some(Command::Check { json }) => check::run(json).await,
        }
    });
    let code = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, CliError::CheckFailed { .. }) {
                print_error(format_args!("api-server: {error}"));
            }
            error.exit_code()
        }
    };
    flush_log();
    code
}

fn read_config() -> Result<Config, CliError> {
    let environment = Environment::load()?;
    let settings = Settings::new(&environment);
    log_to_stderr(&settings);
    let config = Config::read(&settings);
    Ok(settings.into_result(config)?)
}

async fn serve() -> Result<(), CliError> {
    let sighup = SighupReload::install();
    let config = read_config()?;
    raise_descriptor_limit();
    let (clock, monotonic) = (Arc::new(SystemClock), Arc::new(SystemMonotonicClock::default()));
    let application = Application::start(config, clock, monotonic, stop_signal())?;
    sighup.start(application.watched_files(), application.state());
    Ok(application.run().await?)
}
