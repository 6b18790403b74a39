//! Builds a guard from code or from settings.

use std::io;
use std::sync::Arc;

use chrono::TimeDelta;
use goptri_settings::{AccessTokenSecret, Plain, SecretFiles, Settings, WeakSecret};

use crate::access_verifier::AccessVerifier;
use crate::clock::{Clock, SystemClock};
use crate::cookie::SessionCookie;
#[cfg(feature = "feed")]
use crate::following::FollowConfig;
use crate::guard::Guard;
use crate::keys::{KeySource, VerifyingKeys};
use crate::settings;

/// Configures a [`Guard`]. [`Guard::builder`] returns a builder.
///
/// ```
/// let guard = goptri::Guard::builder()
///     .issuer("https://login.example.com")
///     .audience("https://invoices.example.com")
///     .secret("0123456789abcdef-never-use-this-one")
///     .build()?;
/// assert!(guard.verify("not.a.token").is_err());
/// # Ok::<(), goptri::GuardError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct GuardBuilder {
    issuer: String,
    audience: String,
    clock_leeway: TimeDelta,
    cache_entries: usize,
    session_cookie: Option<SessionCookie>,
    secrets: Vec<Plain<AccessTokenSecret>>,
    clock: Arc<dyn Clock>,
    files: Option<SecretFiles>,
    #[cfg(feature = "feed")]
    follow: FollowConfig,
}

/// Why a guard cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The issuer is missing, or is not an https URL (or http on localhost) without query, fragment or trailing slash.
    #[error("the issuer {0}")]
    Issuer(String),
    /// The audience is missing, has white space, or is the issuer.
    #[error("the audience {0}")]
    Audience(String),
    /// The leeway is negative or longer than is safe.
    #[error("the clock leeway is not between 0 and 5 minutes")]
    ClockLeeway,
    /// The cache is larger than the limit.
    #[error("the cache has more than {} entries", settings::MAX_CACHE_ENTRIES)]
    CacheEntries,
    /// A secret is too weak to use.
    #[error("a secret {0}")]
    WeakSecret(#[from] WeakSecret),
    /// There is neither a secret nor an auth-server to fetch keys from.
    #[error("there is no key: set a secret or the URL of auth-server")]
    NoKeys,
    /// auth-server cannot be reached securely at this URL.
    #[error("the URL of auth-server {0}")]
    AuthServer(String),
    /// The feed has a secret, but no auth-server.
    #[error("a feed secret needs the URL of auth-server")]
    FeedWithoutAuthServer,
    /// The operating system cannot create a thread.
    #[error("the thread that watches files or follows auth-server cannot be created: {0}")]
    Thread(#[from] io::Error),
}

impl Default for GuardBuilder {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            clock_leeway: TimeDelta::seconds(30),
            cache_entries: 30_000,
            session_cookie: None,
            secrets: Vec::new(),
            clock: Arc::new(SystemClock),
            files: None,
            #[cfg(feature = "feed")]
            follow: FollowConfig::default(),
        }
    }
}

impl GuardBuilder {
    /// The issuer of the tokens: the URL of auth-server, exactly as in their `iss`.
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), ..self }
    }

    /// The name of this service, exactly as in the `aud` of the tokens.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self { audience: audience.into(), ..self }
    }

    /// Adds a secret of auth-server (`ACCESS_TOKEN_SECRET`) to verify with.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(Plain::new(secret.into()));
        self
    }

    /// How far the clocks of auth-server and this service may differ, at most 5 minutes (default: 30 s).
    pub fn clock_leeway(self, clock_leeway: TimeDelta) -> Self {
        Self { clock_leeway, ..self }
    }

    /// The size of the cache of verified tokens, about 1 KiB each (default: 30,000). 0 disables the cache.
    pub fn cache_entries(self, cache_entries: usize) -> Self {
        Self { cache_entries, ..self }
    }

    /// The cookie that may carry the access token, and the pages that may use it (default: `__Host-session`, and the
    /// pages of issuer and audience).
    pub fn session_cookie(self, cookie: SessionCookie) -> Self {
        Self { session_cookie: Some(cookie), ..self }
    }

    /// The clock that decides whether a token has expired (default: that of the operating system).
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Builds the guard.
    ///
    /// # Errors
    /// Says which option is missing or invalid.
    pub fn build(self) -> Result<Guard, GuardError> {
        settings::parse_base_url(&self.issuer).map_err(GuardError::Issuer)?;
        settings::check_audience(&self.audience, &self.issuer).map_err(GuardError::Audience)?;
        if self.clock_leeway < TimeDelta::zero() || self.clock_leeway > settings::MAX_CLOCK_LEEWAY {
            return Err(GuardError::ClockLeeway);
        }
        if self.cache_entries > settings::MAX_CACHE_ENTRIES {
            return Err(GuardError::CacheEntries);
        }
        let local = match self.secrets.as_slice() {
            [] => VerifyingKeys::default(),
            [first, others @ ..] => VerifyingKeys::from_secrets(first, others)?,
        };
        #[cfg(feature = "feed")]
        let keys = match (&self.follow.auth_server, &self.follow.feed_secrets) {
            (Some(_), _) => KeySource::awaiting_published(local),
            (None, Some(_)) => return Err(GuardError::FeedWithoutAuthServer),
            (None, None) => KeySource::local(local),
        };
        #[cfg(not(feature = "feed"))]
        let keys = KeySource::local(local);
        if keys.check_ready() == Err(crate::keys::KeysUnavailable::NoKeys) {
            return Err(GuardError::NoKeys);
        }
        let verifier = AccessVerifier::new(keys.clone(), self.issuer, self.audience, self.clock_leeway);
        let guard = Guard::new(verifier, self.clock).with_token_cache(self.cache_entries);
        let guard = match self.session_cookie {
            Some(cookie) => guard.with_session_cookie(cookie),
            None => guard,
        };
        #[cfg(feature = "feed")]
        let (guard, feed_secrets) = self.follow.start(guard, keys.clone())?;
        let Some(files) = self.files else { return Ok(guard) };
        Ok(guard.with_file_watch(files, move |settings| {
            let local = settings::optional_access_secrets(settings);
            #[cfg(feature = "feed")]
            if let Some(feed_secrets) = &feed_secrets {
                crate::following::reload_feed_secrets(settings, feed_secrets);
            }
            // Last, because a duplicate is found only once both secrets are read.
            if let Some(local) = local
                && !settings.is_duplicated(settings::ACCESS_TOKEN_SECRET)
            {
                keys.reload_local(local);
            }
        })?)
    }

    /// Reads `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE`, `CLOCK_LEEWAY`, `VERIFIED_CACHE_ENTRIES`,
    /// `SESSION_COOKIE_NAME`, `SESSION_COOKIE_DOMAIN` and `CORS_ORIGINS`. `None` means that an error was reported.
    pub fn from_settings(settings: &Settings<'_>) -> Option<Self> {
        let secrets = settings::access_secrets(settings);
        let builder = Self::without_secrets(settings);
        Some(Self { secrets: secrets?, ..builder? })
    }

    fn without_secrets(settings: &Settings<'_>) -> Option<Self> {
        let (issuer, audience) = (settings::issuer(settings), settings::audience(settings));
        let (leeway, entries) =
            (settings::clock_leeway(settings), settings::verified_cache_entries(settings));
        let (cookie, origins) = (settings::session_cookie(settings), settings::cors_origins(settings));
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            clock_leeway: leeway?,
            cache_entries: entries?,
            session_cookie: origins.and(cookie).map(Some)?,
            files: Some(settings.secret_files()),
            ..Self::default()
        })
    }
}

#[cfg(feature = "feed")]
mod feed {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use goptri_settings::{Plain, Reported, Settings, WeakSecret};

    use super::{GuardBuilder, GuardError};
    use crate::auth_server::AuthServer;
    use crate::keys::JwksRefreshConfig;
    use crate::revocation::{FeedSecrets, MonotonicClock, StalenessPolicy};
    use crate::settings;

    impl GuardBuilder {
        /// The URL of auth-server. The guard fetches its public keys and, with a [feed secret](Self::feed_secret),
        /// follows the revocation feed, on its own threads until its last clone is dropped.
        ///
        /// # Errors
        /// If the URL is invalid, or is plain http outside a private network.
        pub fn auth_server(mut self, url: &str) -> Result<Self, GuardError> {
            settings::check_auth_server_url(url).map_err(GuardError::AuthServer)?;
            self.follow.auth_server = Some(AuthServer::new(url, &[]).map_err(GuardError::AuthServer)?);
            Ok(self)
        }

        /// The secret of the revocation feed (`FEED_SECRET`).
        ///
        /// # Errors
        /// If it is too weak to use.
        pub fn feed_secret(mut self, secret: impl Into<String>) -> Result<Self, GuardError> {
            let secret = secret.into();
            WeakSecret::check(&secret)?;
            self.follow.feed_secrets = Some(FeedSecrets::new(Plain::new(secret), Vec::new()));
            Ok(self)
        }

        /// The policy while the feed is unavailable (default: tokens are accepted until they expire).
        pub fn staleness(mut self, staleness: StalenessPolicy) -> Self {
            self.follow.staleness = staleness;
            self
        }

        /// Reaches auth-server at `address` instead of the host, port and path of its URL. Does nothing if the builder
        /// has no URL of auth-server yet. An unspecified address, such as `0.0.0.0`, becomes the loopback address.
        pub fn connect_to(mut self, address: SocketAddr) -> Self {
            self.follow.auth_server = self.follow.auth_server.map(|server| server.connect_to(address));
            self
        }

        /// The URLs of auth-server's public keys and of its revocation feed. `None`: there is no URL of auth-server.
        pub fn urls(&self) -> Option<(String, String)> {
            let server = self.follow.auth_server.as_ref()?;
            Some((server.url_of(crate::keys::JWKS_PATH), server.url_of(crate::revocation::FEED_PATH)))
        }

        /// How often the keys of auth-server are fetched.
        pub fn key_refresh(mut self, config: JwksRefreshConfig) -> Self {
            self.follow.key_refresh = config;
            self
        }

        /// The clock that measures the age of the feed.
        pub fn monotonic_clock(mut self, clock: Arc<dyn MonotonicClock>) -> Self {
            self.follow.monotonic_clock = clock;
            self
        }

        /// Like [`from_settings`](Self::from_settings), with `AUTH_SERVER_URL`, `AUTH_SERVER_CA_FILE`, `FEED_SECRET`,
        /// `REVOCATION_MAX_STALENESS` and `ON_STALE`. `FEED_SECRET` is optional. `ACCESS_TOKEN_SECRET` is optional if
        /// `AUTH_SERVER_URL` is set.
        pub fn from_settings_with_optional_feed(settings: &Settings<'_>) -> Option<Self> {
            if !settings.has_secret(settings::ACCESS_TOKEN_SECRET) && !settings.is_set("AUTH_SERVER_URL") {
                settings.report(
                    settings::ACCESS_TOKEN_SECRET,
                    "is not set, nor is AUTH_SERVER_URL, from which public keys could be fetched instead; set one of them",
                );
            }
            Self::following(settings, settings::optional_feed_secrets(settings))
        }

        /// Like [`from_settings_with_optional_feed`](Self::from_settings_with_optional_feed), but `FEED_SECRET` is
        /// required, and `ACCESS_TOKEN_SECRET` is always optional.
        pub fn from_settings_with_required_feed(settings: &Settings<'_>) -> Option<Self> {
            Self::following(settings, settings::required_feed_secrets(settings).map(Some).ok_or(Reported))
        }

        fn following(
            settings: &Settings<'_>,
            feed_secrets: Result<Option<FeedSecrets>, Reported>,
        ) -> Option<Self> {
            let secrets = if settings.has_secret(settings::ACCESS_TOKEN_SECRET) {
                settings::access_secrets(settings)
            } else {
                Some(Vec::new())
            };
            let builder = Self::without_secrets(settings);
            let (auth_server, staleness) = (settings::auth_server(settings), settings::staleness(settings));
            let mut builder = Self { secrets: secrets?, ..builder? };
            builder.follow.auth_server = Some(auth_server?);
            builder.follow.feed_secrets = feed_secrets.ok()?;
            builder.follow.staleness = staleness?;
            Some(builder)
        }
    }
}
