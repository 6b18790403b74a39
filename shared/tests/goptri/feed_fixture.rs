//! A guard that follows the feed of a [`FeedServer`], with short pauses, and its log.

use std::sync::Arc;
use std::time::Duration;

use goptri::auth_server::AuthServer;
use goptri::revocation::{
    FeedFollower, FeedSecrets, FeedSource, FeedTimeouts, ManualMonotonicClock, OnStale, RevocationSet,
    StalenessPolicy,
};
use goptri::{Guard, TokenError};
use goptri_settings::Plain;
use tracing::dispatcher::DefaultGuard;

use crate::captured_log::Log;
use test_support::feed_server::{FeedServer, Request};
use test_support::forge::{stopped_clock, verifier};

pub(crate) const FEED_SECRET: &str = "feed-5f2a9c4be1d078365f2a9c4be1d07836";

/// Short pauses, and timeouts that suffice on a busy machine.
pub(crate) const QUICK: FeedTimeouts = FeedTimeouts {
    response: Duration::from_secs(20),
    first_event: Duration::from_secs(20),
    next_event: Duration::from_secs(20),
    min_backoff: Duration::from_millis(2),
    max_backoff: Duration::from_millis(20),
};

pub(crate) struct Followed {
    pub(crate) server: FeedServer,
    pub(crate) clock: ManualMonotonicClock,
    pub(crate) revocations: RevocationSet,
    pub(crate) guard: Guard,
    pub(crate) log: Log,
    follower: Option<FeedFollower>,
    _logging: DefaultGuard,
}

impl Followed {
    pub(crate) fn start(on_stale: OnStale) -> Self {
        Self::start_with(on_stale, QUICK)
    }

    pub(crate) fn start_with(on_stale: OnStale, timeouts: FeedTimeouts) -> Self {
        let (log, logging) = Log::start();
        let (server, clock) = (FeedServer::start(), ManualMonotonicClock::default());
        let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale };
        let revocations = RevocationSet::new(staleness, Arc::new(clock.clone()));
        let secrets = FeedSecrets::new(Plain::new(FEED_SECRET.into()), Vec::new());
        let feed =
            FeedSource::new(AuthServer::new(&server.url(), &[]).unwrap(), secrets).with_timeouts(timeouts);
        let follower = FeedFollower::start(feed, revocations.clone()).unwrap();
        let guard = Guard::new(verifier(), stopped_clock()).with_revocations(revocations.clone());
        Self { server, clock, revocations, guard, log, follower: Some(follower), _logging: logging }
    }

    /// Accepts the next connection and sends `caught-up`.
    pub(crate) fn caught_up(&self) -> Request {
        let mut request = self.server.next_request().accept();
        request.caught_up(0);
        self.wait("caught up", || self.revocations.is_connected());
        request
    }

    pub(crate) fn rejection(&self, token: &str) -> Option<TokenError> {
        self.guard.verify(token).err()
    }

    pub(crate) fn wait_until_revoked(&self, token: &str) {
        self.wait("the token is rejected", || self.rejection(token) == Some(TokenError::Revoked));
    }

    pub(crate) fn wait_for_log(&self, sentence: &str) {
        self.wait(sentence, || self.log.text().contains(sentence));
    }

    pub(crate) fn wait(&self, what: &str, until: impl Fn() -> bool) {
        self.log.wait(what, until);
    }

    pub(crate) fn stop(&mut self) {
        self.follower = None;
    }
}
