//! `auth-server sweep`: what a server does by itself every minute, once and now.

use goptri::{Environment, Settings};

use super::{Failed, StoreSettings};
use crate::flow::Sweep;

pub(super) async fn run(environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let store = StoreSettings::read(&settings);
    let store = settings.finish(store)?.open().await?;
    let swept = Sweep { store: store.clone() }.run().await?;
    store.close().await;
    println!("Swept {swept} records of ended sessions.");
    Ok(())
}
