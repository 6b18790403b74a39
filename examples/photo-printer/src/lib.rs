//! A photo printer: an OAuth client that a third party could have written, with the `oauth2` crate.
//!
//! "Print my photos" sends the user to auth-server, which asks for consent. The printer then reads the photos from
//! api-server, refreshes its tokens when they expire, and notices when the user withdraws the access.

mod authorization_server;
mod handlers;
mod page;
mod photos;
mod settings;
mod visits;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};

use authorization_server::AuthorizationServer;
use photos::Photos;
use visits::Visits;

pub use settings::{InvalidSetting, Settings};

/// The longest that a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The printer, listening.
pub struct Printer {
    server: Server,
    address: SocketAddr,
}

impl std::fmt::Debug for Printer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Printer {
    /// Listens.
    ///
    /// # Errors
    /// If the address cannot be listened on, or a URL of the settings is no URL.
    pub fn bind(settings: &Settings) -> io::Result<Self> {
        // The `oauth2` crate demands that no redirect is followed.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT);
        let http = http.build().map_err(io::Error::other)?;
        let authorization = AuthorizationServer::new(settings, http.clone()).map_err(io::Error::other)?;
        let (authorization, visits) = (Data::new(authorization), Data::new(Visits::default()));
        let photos = Data::new(Photos { http, api: settings.api_server.clone() });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(authorization.clone())
                .app_data(visits.clone())
                .app_data(photos.clone())
                .route("/", web::get().to(handlers::home))
                .route("/style.css", web::get().to(handlers::style))
                .route("/print", web::get().to(handlers::print))
                .route("/callback", web::get().to(handlers::callback))
                .route("/photos", web::get().to(handlers::choose))
                .route("/photos/{name}", web::get().to(handlers::photo))
                .route("/sheet", web::get().to(handlers::sheet))
                .route("/disconnect", web::post().to(handlers::disconnect))
                .default_service(web::to(handlers::not_found))
        })
        .workers(1)
        .disable_signals()
        .bind(settings.address)?;
        let address = server.addrs().first().copied().unwrap_or(settings.address);
        Ok(Self { server: server.run(), address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let handle = self.server.handle();
        tokio::select! {
            served = self.server => served,
            () = stop => {
                handle.stop(false).await;
                Ok(())
            }
        }
    }
}
