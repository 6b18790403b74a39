//! Decides about a presented access token: all that a service needs, whatever its web framework.

use std::sync::Arc;

use crate::revocation::Revocations;
use crate::settings::{Faults, Settings};
use crate::{AccessClaims, AccessVerifier, Clock, Environment, Refusal, SystemClock};

/// A verifier with a clock, and what was ended before its time. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Arc<AccessVerifier>,
    clock: Arc<dyn Clock>,
    revocations: Option<Revocations>,
    #[cfg(feature = "feed")]
    _follower: Option<Arc<crate::revocation::FeedFollower>>,
}

impl Guard {
    /// A guard that asks `clock` for the time.
    pub fn new(verifier: AccessVerifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            verifier: Arc::new(verifier),
            clock,
            revocations: None,
            #[cfg(feature = "feed")]
            _follower: None,
        }
    }

    /// A guard of the variables `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE` and `CLOCK_LEEWAY`. It lets a token pass until
    /// it expires, also when its session was ended.
    ///
    /// # Errors
    /// Names every faulty variable at once.
    pub fn from_environment(environment: &Environment) -> Result<Self, Faults> {
        let settings = Settings::new(environment);
        let verifier = settings.access_verifier();
        settings.finish(verifier).map(|verifier| Self::new(verifier, Arc::new(SystemClock)))
    }

    /// The same, and it refuses within moments what was ended: it follows the feed of `AUTH_SERVER_URL` with `FEED_SECRET`,
    /// on a thread of its own, until its last clone is dropped. `REVOCATION_MAX_STALENESS` and `ON_STALE` say what happens
    /// when the feed is lost. Without `FEED_SECRET` it says in the log that it follows nothing.
    ///
    /// # Errors
    /// Names every faulty variable at once.
    #[cfg(feature = "feed")]
    pub fn following(environment: &Environment) -> Result<Self, Faults> {
        use crate::Fault;
        use crate::revocation::{FeedFollower, SystemMonotonic};

        let settings = Settings::new(environment);
        let (verifier, feed, staleness) =
            (settings.access_verifier(), settings.optional_feed(), settings.staleness());
        let ((verifier, feed), staleness) = settings.finish(verifier.zip(feed).zip(staleness))?;
        let guard = Self::new(verifier, Arc::new(SystemClock));
        let Some(feed) = feed else {
            tracing::warn!(
                "FEED_SECRET is not set: a sign-out takes effect here when the access token expires"
            );
            return Ok(guard);
        };
        let revocations = Revocations::new(staleness, Arc::new(SystemMonotonic::default()));
        let follower = FeedFollower::start(feed, revocations.clone()).map_err(|error| {
            let problem = format!("cannot be used, for there is no thread to follow the feed: {error}");
            Faults(vec![Fault { variable: "FEED_SECRET".to_owned(), problem }])
        })?;
        Ok(Self { _follower: Some(Arc::new(follower)), ..guard.with_revocations(revocations) })
    }

    /// The same, and it refuses what is in `revocations`.
    #[must_use]
    pub fn with_revocations(self, revocations: Revocations) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// What was ended, if this guard looks at it.
    pub fn revocations(&self) -> Option<&Revocations> {
        self.revocations.as_ref()
    }

    /// The caller's claims, if the token is good now. Whether it was ended is looked up last: a forged one costs no look-up.
    pub fn check(&self, token: &str) -> Result<Arc<AccessClaims>, Refusal> {
        let claims = self.verifier.verify(token, self.clock.now())?;
        self.revocations.as_ref().map_or(Ok(()), |revocations| revocations.check(&claims))?;
        Ok(Arc::new(claims))
    }
}
