//! All that a service hears from auth-server, as it is configured: the public keys, and what has ended before its time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::access_verifier::AccessVerifier;
use crate::auth_server::AuthServer;
use crate::clock::Clock;
use crate::guard::Guard;
use crate::keys::{JwksRefreshConfig, JwksRefresher, KeyRefreshTrigger, KeySource};
use crate::revocation::{
    FeedFollower, FeedSecrets, FeedSource, MonotonicClock, RevocationSet, StalenessPolicy,
};
use crate::settings;
use goptri_settings::Reloadable;
use goptri_settings::SecretFiles;
use goptri_settings::Settings;

/// What to follow, and what to make of it. [`start`](Self::start) makes a [`Guard`] of it.
#[derive(Debug)]
pub struct GuardBuilder {
    verifier: AccessVerifier,
    keys: KeySource,
    auth_server: AuthServer,
    feed_secrets: Option<Reloadable<FeedSecrets>>,
    staleness: StalenessPolicy,
    verified_cache_entries: usize,
    files: SecretFiles,
    keys_pace: JwksRefreshConfig,
}

/// What keeps a guard up to date, until it is dropped.
#[derive(Debug)]
pub(crate) struct Followers {
    pub(crate) keys: JwksRefresher,
    _feed: Option<FeedFollower>,
}

impl GuardBuilder {
    /// Reads what `AUTH_SERVER_URL`, `AUTH_SERVER_CA_FILE`, `ACCESS_TOKEN_SECRET`, `FEED_SECRET` and the like say. Without
    /// `FEED_SECRET` no feed is followed.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        Self::with(settings, false)
    }

    /// The same for whom `FEED_SECRET` is no choice.
    pub fn with_required_feed(settings: &Settings<'_>) -> Option<Self> {
        Self::with(settings, true)
    }

    fn with(settings: &Settings<'_>, needs_feed: bool) -> Option<Self> {
        let no_key = !settings.has_secret("ACCESS_TOKEN_SECRET") && !settings.is_set("AUTH_SERVER_URL");
        if !needs_feed && no_key {
            settings.report(
                "ACCESS_TOKEN_SECRET",
                "is not set, nor is AUTH_SERVER_URL, whose public keys would do as well; set one of them",
            );
        }
        let keys = settings::optional_access_secrets(settings).map(KeySource::awaiting_published);
        let verifier = settings::verifier_with(settings, keys.clone());
        let feed_secrets = if needs_feed {
            settings::required_feed_secrets(settings).map(Some)
        } else {
            settings::optional_feed_secrets(settings).ok()
        };
        let (auth_server, staleness) = (settings::auth_server(settings), settings::staleness(settings));
        let verified_cache_entries = settings::verified_cache_entries(settings);
        Some(Self {
            verifier: verifier?,
            keys: keys?,
            auth_server: auth_server?,
            feed_secrets: feed_secrets?.map(Reloadable::new),
            staleness: staleness?,
            verified_cache_entries: verified_cache_entries?,
            files: settings.secret_files(),
            keys_pace: JwksRefreshConfig::default(),
        })
    }

    /// The same of an auth-server that listens at `address` of this very machine, over plain http.
    #[must_use]
    pub fn at_local_address(mut self, address: SocketAddr) -> Self {
        self.auth_server = self.auth_server.at_local_address(address);
        self
    }

    /// The same, fetching keys more or less often.
    #[must_use]
    pub fn with_key_refresh(mut self, pace: JwksRefreshConfig) -> Self {
        self.keys_pace = pace;
        self
    }

    /// A guard that follows, until its last clone is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(self, clock: Arc<dyn Clock>, monotonic: Arc<dyn MonotonicClock>) -> io::Result<Guard> {
        let Self {
            verifier,
            keys,
            auth_server,
            feed_secrets,
            staleness,
            verified_cache_entries,
            files,
            keys_pace,
        } = self;
        let wanted = KeyRefreshTrigger::default();
        let mut guard = Guard::new(verifier, clock).with_token_cache(verified_cache_entries);
        let mut feed = None;
        if let Some(secrets) = feed_secrets.clone() {
            let revocations = RevocationSet::new(staleness, monotonic);
            guard = guard.with_revocations(revocations.clone());
            let source =
                FeedSource::new(auth_server.clone(), secrets).with_key_refresh_trigger(wanted.clone());
            feed = Some(FeedFollower::start(source, revocations)?);
        } else {
            tracing::warn!(
                "FEED_SECRET is not set: a sign-out takes effect here when the access token expires"
            );
        }
        let follower = JwksRefresher::start(auth_server, keys.clone(), wanted, keys_pace)?;
        let guard = guard.kept_by(Followers { keys: follower, _feed: feed });
        guard.watching(files, move |settings| read_again(settings, &keys, feed_secrets.as_ref()))
    }
}

/// Takes what the files of secrets hold now.
fn read_again(settings: &Settings<'_>, keys: &KeySource, feed: Option<&Reloadable<FeedSecrets>>) {
    let (own, feed_secrets) =
        (settings::optional_access_secrets(settings), settings::optional_feed_secrets(settings));
    if let Some(own) = own
        && !settings.is_duplicated("ACCESS_TOKEN_SECRET")
    {
        keys.reload_local(own);
    }
    if let (Some(live), Some(secrets)) = (feed, feed_secrets.ok().flatten())
        && !secrets.same_as(&live.load())
    {
        tracing::info!("the revocation feed is asked for with other secrets from now on");
        live.replace(secrets);
    }
}
