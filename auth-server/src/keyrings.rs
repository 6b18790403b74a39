//! The rings of keys and secrets, replaced while the server runs.

use goptri::KeyRing;
use goptri::keys::{Jwks, KeySource};
use goptri::revocation::FeedSecrets;
use goptri_settings::{RefreshTokenSecret, Reloadable, Settings};

use crate::feed::Feed;

/// What the variables and the files that they name say at one moment.
#[derive(Debug, Clone)]
pub struct KeyRings {
    /// `ACCESS_TOKEN_KEY_FILE`, `ACCESS_TOKEN_SECRET`.
    pub access: KeyRing,
    /// `REFRESH_TOKEN_SECRET`.
    pub refresh: KeyRing,
    /// `FEED_SECRET`.
    pub feed: FeedSecrets,
}

/// The rings as they are now. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LiveKeys {
    pub(crate) access: Reloadable<KeyRing>,
    /// The verifying half of it.
    pub(crate) verifying: KeySource,
    pub(crate) refresh: Reloadable<KeyRing>,
    pub(crate) feed: Reloadable<FeedSecrets>,
}

impl KeyRings {
    /// Reads them, and notes every fault.
    pub fn read(settings: &Settings<'_>) -> Option<Self> {
        let (access, refresh, feed) = read(settings);
        Some(Self { access: access?, refresh: refresh?, feed: feed? })
    }
}

/// Each by itself: one that cannot be used is no reason not to use another.
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
            verifying: KeySource::own(access.verifying().clone()),
            access: Reloadable::new(access),
            refresh: Reloadable::new(refresh),
            feed: Reloadable::new(feed),
        }
    }
}

impl LiveKeys {
    /// Takes what the variables and files say now, ring by ring, and tells the followers of the feed what they must know.
    pub(crate) fn reload(&self, settings: &Settings<'_>, followers: &Feed) {
        let (access, refresh, feed) = read(settings);
        if let Some(access) = access
            && access != **self.access.load()
        {
            let (signs, verify) = (&access.signing_key_name().kid, access.verifying().describe());
            tracing::info!(signs, verify, "access tokens have other keys from now on");
            // First what verifies, so that no token is signed that this server refuses.
            self.verifying.set_own(access.verifying().clone());
            self.access.replace(access);
            followers.keys_changed();
        }
        if let Some(refresh) = refresh
            && refresh != **self.refresh.load()
        {
            tracing::info!(
                verify = refresh.verifying().describe(),
                "refresh tokens have other keys from now on"
            );
            self.refresh.replace(refresh);
        }
        if let Some(feed) = feed
            && !feed.same_as(&self.feed.load())
        {
            let taken_back = !feed.accepts_all_of(&self.feed.load());
            tracing::info!("the revocation feed has other secrets from now on");
            self.feed.replace(feed);
            if taken_back {
                // Whoever came with one that is accepted no more must not stay.
                followers.disconnect_all();
            }
        }
    }

    /// The public keys, for everybody.
    pub(crate) fn published(&self) -> Jwks {
        self.access.load().verifying().jwks()
    }
}
