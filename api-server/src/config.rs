//! The configuration, read once, typed, and reported whole.

use std::net::SocketAddr;

use goptri::GuardBuilder;
use goptri_settings::{Environment, SettingErrors, Settings};

use crate::photos::PhotosFolder;

/// All that api-server is told.
#[derive(Debug)]
pub struct Config {
    /// `API_SERVER_ADDR`.
    pub address: SocketAddr,
    /// `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE`, `CLOCK_LEEWAY`; `AUTH_SERVER_URL`, `AUTH_SERVER_CA_FILE`, `FEED_SECRET`,
    /// `REVOCATION_MAX_STALENESS`, `ON_STALE`, `VERIFIED_CACHE_ENTRIES`.
    pub following: GuardBuilder,
    /// `METRICS_ADDR`.
    pub metrics_address: Option<SocketAddr>,
    /// `REQUEST_LOG`.
    pub request_log: bool,
    /// `PHOTOS_DIR`, opened.
    pub photos: PhotosFolder,
}

impl Config {
    /// Reads everything, and reports every fault at once.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let config = Self::read(&settings);
        settings.into_result(config)
    }

    /// The same, for a caller that reads more from the same settings.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let address = settings.address("API_SERVER_ADDR", "127.0.0.1:3000");
        let following = GuardBuilder::with_required_feed(settings);
        let metrics_address = goptri_server::metrics_address(settings, address);
        let request_log = goptri_server::request_log(settings);
        let photos = settings.value("PHOTOS_DIR", "./photos", PhotosFolder::open);
        Some(Self {
            address: address?,
            following: following?,
            metrics_address: metrics_address.ok()?,
            request_log: request_log?,
            photos: photos?,
        })
    }
}
