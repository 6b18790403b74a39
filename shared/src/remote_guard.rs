//! All that a service hears from auth-server, as it is configured: the public keys, and what has ended before its time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::auth_server::AuthServer;
use crate::keys::{KeysFollower, KeysPace, KeysWanted, KnownKeys};
use crate::revocation::{Feed, FeedFollower, FeedSecrets, Monotonic, Revocations, Staleness};
use crate::settings;
use crate::{AccessVerifier, Clock, Guard};
use goptri_settings::Live;
use goptri_settings::SecretFiles;
use goptri_settings::Settings;

/// What to follow, and what to make of it. [`start`](Self::start) makes a [`Guard`] of it.
#[derive(Debug)]
pub struct Following {
    verifier: AccessVerifier,
    keys: KnownKeys,
    auth_server: AuthServer,
    feed_secrets: Option<Live<FeedSecrets>>,
    staleness: Staleness,
    verified_cache_entries: usize,
    files: SecretFiles,
    keys_pace: KeysPace,
}

/// What keeps a guard up to date, until it is dropped.
#[derive(Debug)]
pub(crate) struct Followers {
    pub(crate) keys: KeysFollower,
    _feed: Option<FeedFollower>,
}

impl Following {
    /// Reads what `AUTH_SERVER_URL`, `AUTH_SERVER_CA_FILE`, `ACCESS_TOKEN_SECRET`, `FEED_SECRET` and the like say. Without
    /// `FEED_SECRET` no feed is followed.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        Self::with(settings, false)
    }

    /// The same for whom `FEED_SECRET` is no choice.
    pub fn read_with_feed(settings: &Settings<'_>) -> Option<Self> {
        Self::with(settings, true)
    }

    fn with(settings: &Settings<'_>, needs_feed: bool) -> Option<Self> {
        let no_key = !settings.has_secret("ACCESS_TOKEN_SECRET") && !settings.is_set("AUTH_SERVER_URL");
        if !needs_feed && no_key {
            settings.fault(
                "ACCESS_TOKEN_SECRET",
                "is not set, nor is AUTH_SERVER_URL, whose public keys would do as well; set one of them",
            );
        }
        let keys = settings::own_verifying_keys(settings).map(KnownKeys::with_published);
        let verifier = settings::verifier_with(settings, keys.clone());
        let feed_secrets = if needs_feed {
            settings::feed_secrets(settings).map(Some)
        } else {
            settings::optional_feed_secrets(settings)
        };
        let (auth_server, staleness) = (settings::auth_server(settings), settings::staleness(settings));
        let verified_cache_entries = settings::verified_cache_entries(settings);
        Some(Self {
            verifier: verifier?,
            keys: keys?,
            auth_server: auth_server?,
            feed_secrets: feed_secrets?.map(Live::new),
            staleness: staleness?,
            verified_cache_entries: verified_cache_entries?,
            files: settings.secret_files(),
            keys_pace: KeysPace::default(),
        })
    }

    /// The same of an auth-server that listens at `address` of this very machine, over plain http.
    #[must_use]
    pub fn on_this_machine(mut self, address: SocketAddr) -> Self {
        self.auth_server = self.auth_server.on_this_machine(address);
        self
    }

    /// The same, fetching keys more or less often.
    #[must_use]
    pub fn fetching_keys_at(mut self, pace: KeysPace) -> Self {
        self.keys_pace = pace;
        self
    }

    /// A guard that follows, until its last clone is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(self, clock: Arc<dyn Clock>, monotonic: Arc<dyn Monotonic>) -> io::Result<Guard> {
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
        let wanted = KeysWanted::default();
        let mut guard = Guard::new(verifier, clock).remembering(verified_cache_entries);
        let mut feed = None;
        if let Some(secrets) = feed_secrets.clone() {
            let revocations = Revocations::new(staleness, monotonic);
            guard = guard.with_revocations(revocations.clone());
            let source = Feed::new(auth_server.clone(), secrets).telling(wanted.clone());
            feed = Some(FeedFollower::start(source, revocations)?);
        } else {
            tracing::warn!(
                "FEED_SECRET is not set: a sign-out takes effect here when the access token expires"
            );
        }
        let follower = KeysFollower::start(auth_server, keys.clone(), wanted, keys_pace)?;
        let guard = guard.kept_by(Followers { keys: follower, _feed: feed });
        guard.watching(files, move |settings| read_again(settings, &keys, feed_secrets.as_ref()))
    }
}

/// Takes what the files of secrets hold now.
fn read_again(settings: &Settings<'_>, keys: &KnownKeys, feed: Option<&Live<FeedSecrets>>) {
    let (own, feed_secrets) =
        (settings::own_verifying_keys(settings), settings::optional_feed_secrets(settings));
    if let Some(own) = own
        && !settings.is_shared("ACCESS_TOKEN_SECRET")
    {
        keys.take_own(own);
    }
    if let (Some(live), Some(secrets)) = (feed, feed_secrets.flatten())
        && !secrets.same_as(&live.load())
    {
        tracing::info!("the revocation feed is asked for with other secrets from now on");
        live.replace(secrets);
    }
}
