//! The verifier of `goptri`, with the keys and revocations of the vectors.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use goptri::revocation::{Entry, EntryKind, OnStale, RevocationSet, StalenessPolicy, SystemMonotonicClock};
use goptri::token::AccessVerifier;
use goptri::{AccessClaims, TokenError};

use crate::keys;
use crate::{AUDIENCE, ISSUER, LEEWAY};

/// When the sessions, tokens and clients below were revoked.
pub(crate) const REVOKED_AT: i64 = 1_750_000_000;
pub(crate) const REVOKED_SESSION: &str = "0190b0a0-0000-7000-8000-00000000dead";
pub(crate) const REVOKED_SHORT_SESSION: &str = "s-1";
pub(crate) const REVOKED_TOKEN: &str = "dead0000000000000000000000000001";
pub(crate) const REVOKED_CLIENT: &str = "retired-printer";

/// The content of the revocation feed.
pub(crate) fn revocations() -> Vec<Entry> {
    [
        (EntryKind::Session, REVOKED_SESSION),
        (EntryKind::Session, REVOKED_SHORT_SESSION),
        (EntryKind::Token, REVOKED_TOKEN),
        (EntryKind::Client, REVOKED_CLIENT),
    ]
    .map(|(kind, subject)| {
        let revoked_at = DateTime::from_timestamp(REVOKED_AT, 0).unwrap().into();
        Entry { kind, subject: subject.to_owned(), revoked_at, expires_in: 7_500 }
    })
    .into()
}

pub(crate) struct Judge {
    verifier: AccessVerifier,
    revocations: RevocationSet,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale: OnStale::Allow };
        let set = RevocationSet::new(staleness, Arc::new(SystemMonotonicClock::default()));
        for entry in revocations() {
            set.insert(&entry).unwrap();
        }
        set.set_age(Duration::ZERO);
        let leeway = TimeDelta::seconds(LEEWAY);
        let verifier = AccessVerifier::new(keys::verifying(), ISSUER.into(), AUDIENCE.into(), leeway);
        Self { verifier, revocations: set }
    }

    /// The claims of the token, if it is accepted at this time.
    pub(crate) fn verdict(&self, token: &str, now: i64) -> Result<AccessClaims, TokenError> {
        let now = DateTime::from_timestamp(now, 0).expect("a time before the year 9999");
        let claims = self.verifier.verify(token, now)?;
        self.revocations.check(&claims)?;
        Ok(claims)
    }
}
