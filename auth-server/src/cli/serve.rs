//! `auth-server serve`.

use std::sync::Arc;

use goptri::clock::SystemClock;
use goptri_server::{SighupReload, log_to_stderr, raise_descriptor_limit, stop_signal};
use goptri_settings::{Environment, Settings};

use super::CliError;
use crate::{Application, Config, StartError, storage};

pub(super) async fn run() -> Result<(), CliError> {
    let environment = Environment::load()?;
    let settings = Settings::new(&environment);
    log_to_stderr(&settings);
    let sighup = SighupReload::install();
    let config = Config::read(&settings);
    let config = settings.into_result(config)?;
    raise_descriptor_limit();
    let clock = Arc::new(SystemClock);
    let store = storage::open_for_server(&config, clock.clone())?;
    match Application::start(config, store, clock, stop_signal()).await {
        Ok(application) => {
            sighup.start(application.watched_files(), application.state());
            application.run().await.map_err(CliError::io)
        }
        Err(StartError::Stopped) => Ok(()),
        Err(error) => Err(CliError::new("not_started", error)),
    }
}
