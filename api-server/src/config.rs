//! The configuration: read once, typed, with all errors reported together.

use std::net::SocketAddr;
use std::time::Duration;

use goptri::GuardBuilder;
use goptri::origin::Origins;
use goptri_server::{ConnectionLimits, Tls, TrustedProxies};
use goptri_settings::{Environment, SettingErrors, Settings};

use crate::forward_auth::SignInPage;
use crate::photos::PhotosFolder;

/// The settings of api-server.
#[derive(Debug)]
pub struct Config {
    /// `API_SERVER_ADDR`.
    pub address: SocketAddr,
    /// `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE`, `CLOCK_LEEWAY`; `AUTH_SERVER_URL`, `AUTH_SERVER_CA_FILE`,
    /// `FEED_SECRET`, `REVOCATION_MAX_STALENESS`, `ON_STALE`, `VERIFIED_CACHE_ENTRIES`.
    pub guard: GuardBuilder,
    /// `CORS_ORIGINS`.
    pub cors_origins: Origins,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// `KEEP_ALIVE`.
    pub connections: ConnectionLimits,
    /// `TLS_CERT_FILE`, `TLS_KEY_FILE`.
    pub tls: Option<Tls>,
    /// `METRICS_ADDR`.
    pub metrics_address: Option<SocketAddr>,
    /// Whether access tokens signed with a shared secret are accepted, in addition to those signed with a published
    /// key.
    pub accepts_shared_secret: bool,
    /// `REQUEST_LOG`.
    pub request_log: bool,
    /// `SHUTDOWN_DELAY`.
    pub shutdown_delay: Duration,
    /// `ISSUER`, whose sign-in page `/verify` names.
    pub sign_in_page: SignInPage,
    /// `PHOTOS_DIR`, created if missing, and opened.
    pub photos: PhotosFolder,
}

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every invalid setting.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let config = Self::read(&settings);
        settings.into_result(config)
    }

    /// Reads all settings, for a caller that reads more of them. `None`: an error was reported to `settings`.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let address = settings.address("API_SERVER_ADDR", "127.0.0.1:3000");
        let guard = GuardBuilder::from_settings_with_required_feed(settings);
        let cors_origins = goptri::settings::cors_origins(settings);
        let trusted_proxies = goptri_server::trusted_proxies(settings);
        let (connections, tls) = (ConnectionLimits::read(settings), Tls::read(settings));
        goptri_server::check_plain_listener(settings, address, &tls, trusted_proxies.as_ref());
        let metrics_address = goptri_server::metrics_address(settings, address);
        let request_log = goptri_server::request_log(settings);
        let shutdown_delay = goptri_server::shutdown_delay(settings);
        let sign_in_page = goptri::settings::issuer(settings).and_then(|issuer| SignInPage::of(&issuer));
        let photos = settings.value("PHOTOS_DIR", "./photos", PhotosFolder::open);
        Some(Self {
            address: address?,
            guard: guard?,
            cors_origins: cors_origins?,
            trusted_proxies: trusted_proxies?,
            connections: connections?,
            tls: tls.ok()?,
            metrics_address: metrics_address.ok()?,
            accepts_shared_secret: settings.has_secret("ACCESS_TOKEN_SECRET"),
            request_log: request_log?,
            shutdown_delay: shutdown_delay?,
            sign_in_page: sign_in_page?,
            photos: photos?,
        })
    }
}
