//! Keeps the origins of web pages that are clients up to date, for CORS, and warns of clients that may use the implicit
//! grant.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::{Client, RedirectUri};
use auth_store::Store;
use goptri::origin::{Origin, Origins};
use goptri_settings::Reloadable;

use crate::error::CauseChain;

/// How often the clients are read.
const INTERVAL: Duration = Duration::from_secs(10);

/// Keeps the origins of public clients up to date.
#[derive(Clone)]
pub(crate) struct TrackClientOrigins {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) origins: Reloadable<Origins>,
}

impl TrackClientOrigins {
    /// Reads the clients now, and then every 10 s.
    pub(crate) async fn run_periodically(self) {
        let mut warned = false;
        loop {
            match self.store.list_clients().await {
                Ok(clients) => {
                    if !std::mem::replace(&mut warned, true) {
                        warn_of_implicit(&clients);
                    }
                    self.update(&clients);
                }
                Err(error) => {
                    tracing::debug!(error = %CauseChain(&error), "the clients were not read; trying again");
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn update(&self, clients: &[Client]) {
        let origins = origins_of(clients);
        if **self.origins.load() != origins {
            tracing::info!(origins = origins.iter().count(), "the origins of clients have changed");
            self.origins.replace(origins);
        }
    }
}

/// The https origins of the redirect URIs of public clients: the web pages that are clients.
fn origins_of(clients: &[Client]) -> Origins {
    let uris = clients.iter().filter(|client| client.is_public()).flat_map(|client| &client.redirect_uris);
    let mut origins: Vec<_> = uris.filter_map(RedirectUri::https_origin).collect();
    origins.sort_unstable();
    origins.dedup();
    origins.iter().filter_map(|origin| Origin::of_url(origin)).collect()
}

fn warn_of_implicit(clients: &[Client]) {
    for client in clients.iter().filter(|client| client.implicit) {
        tracing::warn!(
            client = client.id.as_str(),
            "this client may use the implicit grant, in which tokens pass through the browser; use codes with PKCE"
        );
    }
}
