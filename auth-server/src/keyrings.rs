//! The key rings and secrets, replaced while the server runs.

use goptri::keys::KeyRing;
use goptri::keys::{Jwks, KeySource};
use goptri::revocation::FeedSecrets;
use goptri_settings::{RefreshTokenSecret, Reloadable, Settings};

/// The keys that the variables, and the files they name, contain at one moment.
#[derive(Debug, Clone)]
pub struct KeyRings {
    /// `ACCESS_TOKEN_KEY_FILE`, `ACCESS_TOKEN_SECRET`.
    pub access: KeyRing,
    /// `REFRESH_TOKEN_SECRET`.
    pub refresh: KeyRing,
    /// `FEED_SECRET`.
    pub feed: FeedSecrets,
}

/// The current keys. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LiveKeys {
    pub(crate) access: Reloadable<KeyRing>,
    /// The verifying half of `access`.
    pub(crate) verifying: KeySource,
    pub(crate) refresh: Reloadable<KeyRing>,
    pub(crate) feed: Reloadable<FeedSecrets>,
}

/// What a reload changed that others must know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeyChanges {
    /// Access tokens have other keys.
    pub(crate) access_keys: bool,
    /// A secret of the feed is no longer accepted.
    pub(crate) feed_secret_withdrawn: bool,
}

impl KeyRings {
    /// Reads the keys, and reports every error.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let (access, refresh, feed) = read(settings);
        Some(Self { access: access?, refresh: refresh?, feed: feed? })
    }
}

/// Reads each by itself: an invalid one does not keep the others from being used.
fn read(settings: &Settings<'_>) -> (Option<KeyRing>, Option<KeyRing>, Option<FeedSecrets>) {
    let access = goptri::settings::access_keys(settings);
    let refresh = goptri::settings::key_ring::<RefreshTokenSecret>(settings, "REFRESH_TOKEN_SECRET");
    let feed = goptri::settings::feed_secrets(settings);
    let access = access.filter(|_| !settings.is_duplicated("ACCESS_TOKEN_SECRET"));
    let refresh = refresh.filter(|_| !settings.is_duplicated("REFRESH_TOKEN_SECRET"));
    (access, refresh, feed)
}

impl From<KeyRings> for LiveKeys {
    fn from(KeyRings { access, refresh, feed }: KeyRings) -> Self {
        Self {
            verifying: KeySource::local(access.verifying_keys().clone()),
            access: Reloadable::new(access),
            refresh: Reloadable::new(refresh),
            feed: Reloadable::new(feed),
        }
    }
}

impl LiveKeys {
    /// Replaces each key ring that has changed and is valid.
    pub(crate) fn reload(&self, settings: &Settings<'_>) -> KeyChanges {
        let (access, refresh, feed) = read(settings);
        let mut changes = KeyChanges::default();
        if let Some(access) = access
            && access != **self.access.load()
        {
            let (signs, verify) = (&access.signing_key_name().kid, access.verifying_keys().describe());
            tracing::info!(signs, verify, "the keys of access tokens have changed");
            // The verifying half first, so that this server never rejects a token that it has signed.
            self.verifying.set_local(access.verifying_keys().clone());
            self.access.replace(access);
            changes.access_keys = true;
        }
        if let Some(refresh) = refresh
            && refresh != **self.refresh.load()
        {
            tracing::info!(
                verify = refresh.verifying_keys().describe(),
                "the keys of refresh tokens have changed"
            );
            self.refresh.replace(refresh);
        }
        if let Some(feed) = feed
            && !feed.same_as(&self.feed.load())
        {
            changes.feed_secret_withdrawn = !feed.accepts_all_of(&self.feed.load());
            tracing::info!("the secrets of the revocation feed have changed");
            self.feed.replace(feed);
        }
        changes
    }

    /// The public keys.
    pub(crate) fn published(&self) -> Jwks {
        Jwks::from(self.access.load().verifying_keys())
    }
}
