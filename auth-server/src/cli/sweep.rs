//! `auth-server sweep`: what a server does by itself every minute, once and now.

use goptri_settings::{Environment, Settings};

use super::{Failed, StoreSettings};
use crate::config;
use crate::flow::Sweep;

pub(super) async fn run(environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, idle_lifetime) = (StoreSettings::read(&settings), config::idle_lifetime(&settings).ok());
    let (store, idle_lifetime) = settings.into_result(store.zip(idle_lifetime))?;
    let store = store.open().await?;
    let sweep = Sweep { store: store.clone(), idle_lifetime };
    let swept = sweep.run(|seen| eprintln!("{seen} sessions looked at so far …")).await?;
    store.close().await;
    println!(
        "Swept {} records of ended sessions, and {} sessions that ended by time.",
        swept.records, swept.sessions
    );
    Ok(())
}
