//! Both servers in one process on an embedded SQLite file, for trying Goptri out: `cargo dev`.
//!
//! Secrets, data and the demo user's password are kept in a folder that git ignores, so a second start finds
//! everything again. All variables of the configuration table work here too.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who started it")]

mod kept;
mod welcome;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use auth_domain::PasswordRules;
use auth_server::SystemEntropy;
use auth_server::error::{Failure, RegisterRefused};
use auth_server::flow::{Register, Registration};
use auth_server::storage;
use clap::Parser;
use goptri::clock::SystemClock;
use goptri::revocation::SystemMonotonicClock;
use goptri_server::{log_to_stderr, stop_signal};
use goptri_settings::{Environment, Plain, Settings};
use kept::Kept;

/// The demo user's password is as long as it is, whatever the rules for others are.
const DEMO_RULES: PasswordRules = PasswordRules { min_length: 8 };

/// The demo user; the password is random and kept beside the data.
const DEMO_EMAIL: &str = "demo@example.com";

#[derive(Parser)]
#[command(
    name = "cargo dev",
    about = "Runs auth-server and api-server on an embedded SQLite file, with a demo user."
)]
struct Arguments {
    /// Where secrets and data are kept
    #[arg(long, default_value = ".goptri")]
    data: PathBuf,
}

#[actix_web::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo dev: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let kept = Kept::open(&arguments.data)?;
    let environment = kept.defaults(Environment::load()?);
    let settings = Settings::new(&environment);
    log_to_stderr(&settings);
    settings.into_result(Some(()))?;
    let mut auth = auth_server::Config::from_environment(&environment)?;
    // One process shows its numbers once, at the one address: api-server's.
    auth.metrics_address = None;
    let mut api = api_server::Config::from_environment(&environment)?;

    let clock = Arc::new(SystemClock);
    let store = storage::open(&auth.database_url, clock.clone())?;
    let auth =
        auth_server::Application::start(auth, Arc::clone(&store), clock.clone(), stop_signal()).await?;
    if environment.get("AUTH_SERVER_URL").is_none() {
        api.guard = api.guard.at_local_address(auth.address());
    }
    let monotonic = Arc::new(SystemMonotonicClock::default());
    let api = api_server::Application::start(api, clock, monotonic, stop_signal())?;

    let register = Register::new(store, DEMO_RULES, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?;
    let demo = Registration {
        email: DEMO_EMAIL.to_owned(),
        email_verified: true,
        password: Plain::new(kept.demo_password().to_owned()),
        roles: Vec::new(),
    };
    match register.run(demo).await {
        Ok(_) | Err(Failure::Refused(RegisterRefused::EmailTaken)) => {}
        Err(failure) => return Err(failure.into()),
    }
    print!("{}", welcome::text(auth.address(), api.address(), DEMO_EMAIL, kept.demo_password()));
    let (auth, api) = tokio::join!(auth.run(), api.run());
    auth.and(api)?;
    println!("Stopped. Everything is kept in {}.", arguments.data.display());
    Ok(())
}
