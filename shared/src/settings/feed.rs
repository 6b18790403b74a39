//! The settings of the revocation feed.

use goptri_settings::{Reported, Settings, parse_duration};

use crate::revocation::{FeedSecrets, HEARTBEAT_INTERVAL, OnStale, StalenessPolicy};

/// `FEED_SECRET`: secrets separated by commas. A follower presents the first; auth-server accepts all.
pub fn feed_secrets(settings: &Settings<'_>) -> Option<FeedSecrets> {
    settings.secrets("FEED_SECRET").map(|(first, others)| FeedSecrets::new(first, others))
}

/// `FEED_SECRET` of a follower that requires the feed.
#[cfg(feature = "feed")]
pub(crate) fn required_feed_secrets(settings: &Settings<'_>) -> Option<FeedSecrets> {
    if !settings.has_secret("FEED_SECRET") {
        settings.report("FEED_SECRET", "is not set: copy it from auth-server's .env");
        return None;
    }
    feed_secrets(settings)
}

/// `FEED_SECRET` of a follower for which the feed is optional. `Ok(None)` means that it is not set.
///
/// # Errors
/// When a secret is invalid.
pub fn optional_feed_secrets(settings: &Settings<'_>) -> Result<Option<FeedSecrets>, Reported> {
    if settings.has_secret("FEED_SECRET") {
        feed_secrets(settings).map(Some).ok_or(Reported)
    } else {
        Ok(None)
    }
}

/// `REVOCATION_MAX_STALENESS` and `ON_STALE`.
pub fn staleness(settings: &Settings<'_>) -> Option<StalenessPolicy> {
    let max_age = settings.value("REVOCATION_MAX_STALENESS", "60s", |text| {
        let max_age = parse_duration(text)?.to_std().map_err(|error| error.to_string())?;
        if max_age <= HEARTBEAT_INTERVAL {
            return Err("must be longer than 5s, the time between two heartbeats of the feed".to_owned());
        }
        Ok(max_age)
    });
    let on_stale = settings.value("ON_STALE", "allow", |text| match text {
        "allow" => Ok(OnStale::Allow),
        "refuse" => Ok(OnStale::Refuse),
        other => Err(format!("is {other:?}; it must be allow or refuse")),
    });
    Some(StalenessPolicy { max_age: max_age?, on_stale: on_stale? })
}
