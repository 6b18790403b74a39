//! What the printer knows about each browser. It keeps that in memory: after a restart, users allow the access again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oauth2::{AccessToken, CsrfToken, PkceCodeVerifier, RefreshToken};

/// The most browsers that it knows. When there are more, it forgets all.
const MAX_VISITS: usize = 10_000;

/// A request for consent, while the user is at auth-server.
pub(crate) struct Pending {
    pub(crate) state: CsrfToken,
    pub(crate) verifier: PkceCodeVerifier,
}

/// The tokens of a user.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<RefreshToken>,
}

/// The tokens of a browser. Locked while they are refreshed, so that only one request does so.
pub(crate) type Connection = Arc<tokio::sync::Mutex<Tokens>>;

enum Visit {
    Asking(Pending),
    Connected(Connection),
}

/// All browsers, by a random id in a cookie.
#[derive(Default)]
pub(crate) struct Visits(Mutex<HashMap<String, Visit>>);

impl Visits {
    /// Remembers a request for consent. Returns the id of the visit. It is always new, so that an attacker cannot
    /// choose it.
    pub(crate) fn begin(&self, pending: Pending) -> String {
        self.add(Visit::Asking(pending))
    }

    /// Ends the request for consent with that `state`. `None`: this browser began no such request. Another page may
    /// have sent it here.
    pub(crate) fn take_pending(&self, id: &str, state: &str) -> Option<Pending> {
        let mut visits = self.lock();
        match visits.get(id)? {
            Visit::Asking(pending) if pending.state.secret() == state => {}
            Visit::Asking(_) | Visit::Connected(_) => return None,
        }
        match visits.remove(id)? {
            Visit::Asking(pending) => Some(pending),
            Visit::Connected(_) => None,
        }
    }

    /// Remembers the tokens of a browser. Returns the id of the visit.
    pub(crate) fn connect(&self, tokens: Tokens) -> String {
        self.add(Visit::Connected(Arc::new(tokio::sync::Mutex::new(tokens))))
    }

    /// The tokens of a browser. `None`: it has none.
    pub(crate) fn connection(&self, id: &str) -> Option<Connection> {
        match self.lock().get(id)? {
            Visit::Connected(connection) => Some(Arc::clone(connection)),
            Visit::Asking(_) => None,
        }
    }

    /// Forgets a browser.
    pub(crate) fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn add(&self, visit: Visit) -> String {
        // 128 random bits.
        let id = CsrfToken::new_random().secret().clone();
        let mut visits = self.lock();
        if visits.len() >= MAX_VISITS {
            visits.clear();
        }
        visits.insert(id.clone(), visit);
        id
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
