//! Logs transitions of the feed, so that an outage does not flood the log.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use super::disconnect::Disconnect;
use super::revocation_set::RevocationSet;

/// Logs one line when the feed is lost, one for each further reason during the outage, and one when it is back.
pub(super) struct FeedLog<'a> {
    url: &'a str,
    revocations: &'a RevocationSet,
    lost_since: Option<Duration>,
    logged: Vec<Discriminant<Disconnect>>,
}

impl<'a> FeedLog<'a> {
    pub(super) fn new(url: &'a str, revocations: &'a RevocationSet) -> Self {
        Self { url, revocations, lost_since: None, logged: Vec::new() }
    }

    pub(super) fn disconnected(&mut self, reason: &Disconnect) {
        self.lost_since.get_or_insert(self.revocations.clock().elapsed());
        if !self.logged.contains(&discriminant(reason)) {
            self.logged.push(discriminant(reason));
            tracing::warn!(url = self.url, %reason, "disconnected from the revocation feed; retrying");
        }
    }

    pub(super) fn caught_up(&mut self) {
        let (url, entries) = (self.url, self.revocations.len());
        match self.lost_since.take() {
            None => tracing::info!(url, entries, "connected to the revocation feed"),
            Some(since) => {
                let after_seconds = self.revocations.clock().elapsed().saturating_sub(since).as_secs();
                tracing::info!(url, entries, after_seconds, "reconnected to the revocation feed");
            }
        }
        self.logged.clear();
    }
}
