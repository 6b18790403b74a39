//! Keeps a guard's public keys and revocations up to date from auth-server.

use std::io;
use std::sync::Arc;

use goptri_settings::{Reloadable, Settings, TaskHealth};

use crate::auth_server::AuthServer;
use crate::guard::Guard;
use crate::keys::{JwksRefreshConfig, JwksRefresher, KeyRefreshTrigger, KeySource};
use crate::revocation::{
    FeedFollower, FeedSecrets, FeedSource, MonotonicClock, RevocationSet, StalenessPolicy,
    SystemMonotonicClock,
};
use crate::settings;

/// How a guard follows auth-server: where it is, the feed secrets, and what happens during an outage.
#[derive(Debug)]
pub(crate) struct FollowConfig {
    pub(crate) auth_server: Option<AuthServer>,
    pub(crate) feed_secrets: Option<FeedSecrets>,
    pub(crate) staleness: StalenessPolicy,
    pub(crate) key_refresh: JwksRefreshConfig,
    pub(crate) monotonic_clock: Arc<dyn MonotonicClock>,
}

/// Keeps a guard up to date until it is dropped.
#[derive(Debug)]
pub(crate) struct BackgroundTasks {
    pub(crate) keys: JwksRefresher,
    feed: Option<FeedFollower>,
}

impl BackgroundTasks {
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &TaskHealth> {
        self.feed.iter().map(FeedFollower::health).chain([self.keys.health()])
    }
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self {
            auth_server: None,
            feed_secrets: None,
            staleness: StalenessPolicy::default(),
            key_refresh: JwksRefreshConfig::default(),
            monotonic_clock: Arc::new(SystemMonotonicClock::default()),
        }
    }
}

impl FollowConfig {
    /// Starts to follow auth-server, if its URL is known. Returns the feed secrets for [`reload_feed_secrets`].
    ///
    /// # Errors
    /// If the operating system cannot create a thread.
    pub(crate) fn start(
        self,
        guard: Guard,
        keys: KeySource,
    ) -> io::Result<(Guard, Option<Reloadable<FeedSecrets>>)> {
        let Some(auth_server) = self.auth_server else { return Ok((guard, None)) };
        let trigger = KeyRefreshTrigger::default();
        let (mut guard, mut feed) = (guard, None);
        let secrets = self.feed_secrets.map(Reloadable::new);
        if let Some(secrets) = secrets.clone() {
            let revocations = RevocationSet::new(self.staleness, self.monotonic_clock);
            guard = guard.with_revocations(revocations.clone());
            let source =
                FeedSource::new(auth_server.clone(), secrets).with_key_refresh_trigger(trigger.clone());
            feed = Some(FeedFollower::start(source, revocations)?);
        } else {
            tracing::warn!(
                "FEED_SECRET is not set: a sign-out takes effect here when the access token expires"
            );
        }
        let keys = JwksRefresher::start(auth_server, keys, trigger, self.key_refresh)?;
        Ok((guard.with_background_tasks(BackgroundTasks { keys, feed }), secrets))
    }
}

/// Replaces the feed secrets if the setting has changed.
pub(crate) fn reload_feed_secrets(settings: &Settings<'_>, live: &Reloadable<FeedSecrets>) {
    if let Ok(Some(secrets)) = settings::optional_feed_secrets(settings)
        && !secrets.same_as(&live.load())
    {
        tracing::info!("the secret for the revocation feed has changed");
        live.replace(secrets);
    }
}
