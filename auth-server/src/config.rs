//! The configuration: read once, typed, with all errors reported together.

use std::net::SocketAddr;
use std::thread::available_parallelism;
use std::time::Duration;

use auth_domain::{PasswordRules, RefreshPolicy};
use auth_pages::Brand;
use auth_store::RefreshBatching;
use chrono::TimeDelta;
use goptri::Scope;
use goptri::cookie::SessionCookie;
use goptri::keys::KeySource;
use goptri::origin::Origins;
use goptri::token::AccessVerifier;
use goptri_server::{ConnectionLimits, Tls, TrustedProxies};
use goptri_settings::{Environment, Plain, Reported, SecretFiles, SettingErrors, Settings, parse_duration};

use crate::keyrings::KeyRings;
use crate::storage::{self, DatabaseUrl};
use crate::{brand, return_origins};

/// The longest `ACCESS_TOKEN_TTL`. The revocation feed keeps its entries longer than such a token is valid.
const MAX_ACCESS_TOKEN_TTL: TimeDelta = TimeDelta::hours(1);

/// The longest `REFRESH_GRACE`. A retry needs about a minute.
const MAX_GRACE: TimeDelta = TimeDelta::hours(1);

/// The minimum for passwords without a second factor (NIST SP 800-63B-4).
const MIN_SINGLE_FACTOR_LENGTH: usize = 15;

/// The configuration of `auth-server serve`.
#[derive(Debug)]
pub struct Config {
    /// `AUTH_SERVER_ADDR`.
    pub address: SocketAddr,
    /// `DATABASE_URL`.
    pub database_url: Plain<DatabaseUrl>,
    /// `DATABASE_CONNECTIONS`.
    pub database_connections: u32,
    /// `ISSUER`.
    pub issuer: String,
    /// `AUDIENCE`.
    pub audience: String,
    /// `CORS_ORIGINS`.
    pub cors_origins: Origins,
    /// `RETURN_ORIGINS`.
    pub return_origins: Origins,
    /// `BRAND_FILE`.
    pub brand: Brand,
    /// `SESSION_COOKIE_NAME`, `SESSION_COOKIE_DOMAIN`.
    pub session_cookie: SessionCookie,
    /// `ACCESS_TOKEN_KEY_FILE`, `ACCESS_TOKEN_SECRET`, `REFRESH_TOKEN_SECRET`, `FEED_SECRET`.
    pub keys: KeyRings,
    /// The files that the keys were read from.
    pub secret_files: SecretFiles,
    /// `CLOCK_LEEWAY`.
    pub clock_leeway: TimeDelta,
    /// `ACCESS_TOKEN_TTL`.
    pub access_lifetime: TimeDelta,
    /// `REFRESH_ROTATION`, `REFRESH_GRACE`, `REFRESH_FORGIVENESS`, `REFRESH_TOKEN_TTL`, `REFRESH_TOKEN_IDLE_TTL`.
    pub refresh: RefreshPolicy,
    /// `REFRESH_BATCHING`.
    pub refresh_batching: RefreshBatching,
    /// `DEFAULT_SCOPE`.
    pub default_scope: Scope,
    /// `REGISTRATION`.
    pub registration_open: bool,
    /// `PASSWORD_MIN_LENGTH`.
    pub password_rules: PasswordRules,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// `KEEP_ALIVE`.
    pub connections: ConnectionLimits,
    /// `TLS_CERT_FILE`, `TLS_KEY_FILE`.
    pub tls: Option<Tls>,
    /// Passwords hashed at the same time: the number of cores. There is no variable for it.
    pub hashing_threads: usize,
    /// `METRICS_ADDR`.
    pub metrics_address: Option<SocketAddr>,
    /// `REQUEST_LOG`.
    pub request_log: bool,
    /// `SHUTDOWN_DELAY`.
    pub shutdown_delay: Duration,
    /// `AUTO_MIGRATE`.
    pub auto_migrate: bool,
}

impl Config {
    /// Reads the configuration, and reports all errors.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let config = Self::read(&settings);
        settings.into_result(config)
    }

    /// Reads the configuration from settings that the caller also reads.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let address = settings.address("AUTH_SERVER_ADDR", "127.0.0.1:4000");
        // Files read after this are not watched.
        let (keys, secret_files) = (KeyRings::read(settings), settings.secret_files());
        let (database_url, database_connections) = (database_url(settings), database_connections(settings));
        let (issuer, audience) = (goptri::settings::issuer(settings), goptri::settings::audience(settings));
        let cors_origins = goptri::settings::cors_origins(settings);
        let session_cookie = goptri::settings::session_cookie(settings);
        let return_origins = issuer.as_deref().zip(session_cookie.as_ref());
        let return_origins =
            return_origins.and_then(|(issuer, cookie)| return_origins::read(settings, issuer, cookie));
        let brand = brand::read(settings);
        let clock_leeway = goptri::settings::clock_leeway(settings);
        let access_lifetime = access_lifetime(settings);
        let refresh = refresh_policy(settings, access_lifetime);
        let refresh_batching = refresh_batching(settings);
        let default_scope = default_scope(settings);
        let registration_open = settings.value("REGISTRATION", "open", |text| match text {
            "open" => Ok(true),
            "closed" => Ok(false),
            other => Err(format!("is {other:?}; it must be open or closed")),
        });
        let password_rules = password_rules(settings);
        let trusted_proxies = goptri_server::trusted_proxies(settings);
        let (connections, tls) = (ConnectionLimits::read(settings), Tls::read(settings));
        goptri_server::check_plain_listener(settings, address, &tls, trusted_proxies.as_ref());
        let metrics_address = goptri_server::metrics_address(settings, address);
        let request_log = goptri_server::request_log(settings);
        let shutdown_delay = goptri_server::shutdown_delay(settings);
        let auto_migrate = auto_migrate(settings);
        Some(Self {
            address: address?,
            database_url: database_url?,
            database_connections: database_connections?,
            issuer: issuer?,
            audience: audience?,
            cors_origins: cors_origins?,
            return_origins: return_origins?,
            brand: brand?,
            session_cookie: session_cookie?,
            keys: keys?,
            secret_files,
            clock_leeway: clock_leeway?,
            access_lifetime: access_lifetime?,
            refresh: refresh?,
            refresh_batching: refresh_batching?,
            default_scope: default_scope?,
            registration_open: registration_open?,
            password_rules: password_rules?,
            trusted_proxies: trusted_proxies?,
            connections: connections?,
            tls: tls.ok()?,
            hashing_threads: available_parallelism().map_or(2, usize::from),
            metrics_address: metrics_address.ok()?,
            request_log: request_log?,
            shutdown_delay: shutdown_delay?,
            auto_migrate: auto_migrate?,
        })
    }

    /// Verifies the access tokens of this server for its `AUDIENCE`, as api-server does.
    pub fn access_verifier(&self, keys: impl Into<KeySource>) -> AccessVerifier {
        self.verifier_for(&self.audience, keys)
    }

    /// Verifies access tokens for this server itself: those of a sign-in, not those of applications.
    pub fn account_verifier(&self, keys: impl Into<KeySource>) -> AccessVerifier {
        self.verifier_for(&self.issuer, keys)
    }

    fn verifier_for(&self, audience: &str, keys: impl Into<KeySource>) -> AccessVerifier {
        AccessVerifier::new(keys, self.issuer.clone(), audience.to_owned(), self.clock_leeway)
    }
}

/// `DATABASE_URL`, for commands that need nothing else.
pub(crate) fn database_url(settings: &Settings<'_>) -> Option<Plain<DatabaseUrl>> {
    settings.text_or_file("DATABASE_URL", "sqlite://goptri.db", |url| {
        storage::check(&url).map(|()| Plain::new(url))
    })
}

fn database_connections(settings: &Settings<'_>) -> Option<u32> {
    settings.value("DATABASE_CONNECTIONS", "16", |text| match text.parse() {
        Ok(connections @ storage::MIN_CONNECTIONS..=1000) => Ok(connections),
        Ok(_) | Err(_) => {
            Err(format!("is {text:?}; it must be a number from {} to 1000", storage::MIN_CONNECTIONS))
        }
    })
}

fn refresh_batching(settings: &Settings<'_>) -> Option<RefreshBatching> {
    settings.value("REFRESH_BATCHING", "auto", |text| match text {
        "auto" => Ok(RefreshBatching::Auto),
        "on" => Ok(RefreshBatching::On),
        "off" => Ok(RefreshBatching::Off),
        other => Err(format!("is {other:?}; it must be auto, on or off")),
    })
}

/// `AUTO_MIGRATE`, for commands that use the store.
pub(crate) fn auto_migrate(settings: &Settings<'_>) -> Option<bool> {
    settings.on_off("AUTO_MIGRATE", true)
}

/// `PASSWORD_MIN_LENGTH`, for commands that set passwords.
pub(crate) fn password_rules(settings: &Settings<'_>) -> Option<PasswordRules> {
    settings.value("PASSWORD_MIN_LENGTH", "15", |text| match text.parse() {
        Ok(min_length @ 8..=1024) => {
            if min_length < MIN_SINGLE_FACTOR_LENGTH {
                tracing::warn!(min_length, "PASSWORD_MIN_LENGTH is below 15: short passwords are guessed");
            }
            Ok(PasswordRules { min_length })
        }
        Ok(_) | Err(_) => Err(format!("is {text:?}; it must be a number of characters from 8 to 1024")),
    })
}

/// `ACCESS_TOKEN_TTL`, for commands that look at tokens.
pub(crate) fn access_lifetime(settings: &Settings<'_>) -> Option<TimeDelta> {
    settings.value("ACCESS_TOKEN_TTL", "15m", parse_access_lifetime)
}

/// `REFRESH_TOKEN_IDLE_TTL`, for commands that read sessions.
pub(crate) fn idle_lifetime(settings: &Settings<'_>) -> Result<Option<TimeDelta>, Reported> {
    settings.optional("REFRESH_TOKEN_IDLE_TTL", parse_lifetime)
}

fn default_scope(settings: &Settings<'_>) -> Option<Scope> {
    settings.value("DEFAULT_SCOPE", "", |text| {
        if text.contains(',') {
            return Err(format!("is {text:?}; separate scopes by spaces"));
        }
        Scope::parse(text).map_err(|error| format!("is {text:?}; {error}"))
    })
}

/// `REFRESH_ROTATION` and the other settings of refresh tokens, for commands that look at tokens.
pub(crate) fn refresh_policy(
    settings: &Settings<'_>,
    access_lifetime: Option<TimeDelta>,
) -> Option<RefreshPolicy> {
    let grace = settings.value("REFRESH_GRACE", "60s", |text| match parse_duration(text)? {
        grace if grace > MAX_GRACE => {
            Err(format!("is {text:?}; within the grace a thief is not noticed, so it is 1h at most"))
        }
        grace => Ok(grace),
    });
    let forgiveness = settings.on_off("REFRESH_FORGIVENESS", true);
    let rotation = settings.on_off("REFRESH_ROTATION", true);
    let idle_lifetime = idle_lifetime(settings);
    if let (Ok(Some(idle)), Some(access)) = (idle_lifetime, access_lifetime)
        && idle <= access
    {
        settings.report(
            "REFRESH_TOKEN_IDLE_TTL",
            "is not longer than ACCESS_TOKEN_TTL: a client that refreshes when its access token ends comes too late",
        );
    }
    let lifetime = settings.optional("REFRESH_TOKEN_TTL", parse_lifetime);
    Some(RefreshPolicy {
        rotation: rotation?,
        grace: grace?,
        forgiveness: forgiveness?,
        idle_lifetime: idle_lifetime.ok()?,
        lifetime: lifetime.ok()?,
    })
}

fn parse_lifetime(text: &str) -> Result<TimeDelta, String> {
    match parse_duration(text)? {
        lifetime if lifetime < TimeDelta::seconds(1) => {
            Err(format!("is {text:?}; it must be at least 1s, or unset for no limit"))
        }
        lifetime => Ok(lifetime),
    }
}

fn parse_access_lifetime(text: &str) -> Result<TimeDelta, String> {
    match parse_duration(text)? {
        lifetime if lifetime < TimeDelta::seconds(1) || lifetime > MAX_ACCESS_TOKEN_TTL => {
            Err(format!("is {text:?}; it must be from 1s to 1h"))
        }
        lifetime => Ok(lifetime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_mistakes_have_messages_of_their_own() {
        for (variable, value, problem) in [
            ("DEFAULT_SCOPE", "photos:read,photos:write", "; separate scopes by spaces"),
            (
                "DATABASE_CONNECTIONS",
                "3",
                "DATABASE_CONNECTIONS is \"3\"; it must be a number from 4 to 1000",
            ),
            (
                "DATABASE_CONNECTIONS",
                "many",
                "DATABASE_CONNECTIONS is \"many\"; it must be a number from 4 to 1000",
            ),
            ("ACCESS_TOKEN_TTL", "0", "ACCESS_TOKEN_TTL is \"0\"; it must be from 1s to 1h"),
            ("ACCESS_TOKEN_TTL", "61m", "ACCESS_TOKEN_TTL is \"61m\"; it must be from 1s to 1h"),
            (
                "METRICS_ADDR",
                "127.0.0.1:4000",
                "METRICS_ADDR is \"127.0.0.1:4000\", where this server itself",
            ),
        ] {
            let environment = Environment::from_pairs([(variable, value)]);
            let errors = Config::from_environment(&environment).unwrap_err().to_string();
            assert!(errors.contains(problem), "{errors}");
        }
    }
}
