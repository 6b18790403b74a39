//! The program `api-server`.

#![expect(clippy::print_stderr, reason = "why it did not start is for the person who started it")]

use std::process::ExitCode;
use std::sync::Arc;

use api_server::{Application, Config};
use goptri::clock::SystemClock;
use goptri::revocation::SystemMonotonicClock;
use goptri_server::{SighupReload, log_to_stderr, stop_signal};
use goptri_settings::{Environment, Settings};

#[actix_web::main]
async fn main() -> ExitCode {
    match configured() {
        Ok(config) => match serve(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error.as_ref(), 1),
        },
        Err(error) => failed(error.as_ref(), 2),
    }
}

fn configured() -> Result<Config, Box<dyn std::error::Error>> {
    let environment = Environment::load()?;
    let settings = Settings::new(&environment);
    log_to_stderr(&settings);
    let config = Config::read(&settings);
    Ok(settings.into_result(config)?)
}

async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let hangups = SighupReload::hear();
    let (clock, monotonic) = (Arc::new(SystemClock), Arc::new(SystemMonotonicClock::default()));
    let application = Application::start(config, clock, monotonic, stop_signal())?;
    hangups.reread(application.secret_files());
    Ok(application.run().await?)
}

fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("api-server: {error}");
    ExitCode::from(code)
}
