//! `auth-server serve`.

use std::sync::Arc;

use goptri::SystemClock;
use goptri_server::{SighupReload, log_to_stderr, stop_signal};
use goptri_settings::{Environment, Settings};

use super::Failed;
use crate::{Application, Config, StartError, storage};

pub(super) async fn run(environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    log_to_stderr(&settings);
    let hangups = SighupReload::hear();
    let config = Config::read(&settings);
    let config = settings.into_result(config)?;
    let clock = Arc::new(SystemClock);
    let store = storage::open(&config.database_url, clock.clone())?;
    match Application::start(config, store, clock, stop_signal()).await {
        Ok(application) => {
            hangups.reread(application.secret_files());
            application.run().await.map_err(Failed::because)
        }
        Err(StartError::Stopped) => Ok(()),
        Err(error) => Err(Failed::because(error)),
    }
}
