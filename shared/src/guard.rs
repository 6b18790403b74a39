//! Decides about a presented access token: all that a service needs, whatever its web framework.

use std::sync::Arc;

use crate::settings::{Faults, Settings};
use crate::{AccessClaims, AccessVerifier, Clock, Environment, Refusal, SystemClock};

/// A verifier with a clock. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Arc<AccessVerifier>,
    clock: Arc<dyn Clock>,
}

impl Guard {
    /// A guard that asks `clock` for the time.
    pub fn new(verifier: AccessVerifier, clock: Arc<dyn Clock>) -> Self {
        Self { verifier: Arc::new(verifier), clock }
    }

    /// A guard of the variables `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE` and `CLOCK_LEEWAY`.
    ///
    /// # Errors
    /// Names every faulty variable at once.
    pub fn from_environment(environment: &Environment) -> Result<Self, Faults> {
        let settings = Settings::new(environment);
        let verifier = settings.access_verifier();
        settings.finish(verifier).map(|verifier| Self::new(verifier, Arc::new(SystemClock)))
    }

    /// The caller's claims, if the token is good now.
    pub fn check(&self, token: &str) -> Result<Arc<AccessClaims>, Refusal> {
        self.verifier.verify(token, self.clock.now()).map(Arc::new)
    }
}
