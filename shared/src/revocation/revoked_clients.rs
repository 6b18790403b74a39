//! Revoked clients: the access tokens issued to them up to the revocation are no longer valid.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::quality::RandomState;

use super::revoked_ids::{Deadline, read, write};
use crate::numeric_date::NumericDate;

/// A grow-only map, like [`RevokedIds`](super::revoked_ids::RevokedIds), behind one lock: there are few clients.
#[derive(Debug, Default)]
pub(super) struct RevokedClients {
    clients: RwLock<HashMap<Box<str>, Revoked, RandomState>>,
    /// Whether any client was ever inserted. Saves the lock when none was.
    used: AtomicBool,
}

#[derive(Debug)]
struct Revoked {
    at: NumericDate,
    deadline: Deadline,
}

impl RevokedClients {
    /// Revokes the tokens that were issued to `client` up to `revoked_at`. Returns whether the client is new here.
    pub(super) fn insert(&self, client: &str, revoked_at: NumericDate, deadline: Deadline) -> bool {
        self.used.store(true, Ordering::Relaxed);
        let mut clients = write(&self.clients);
        if let Some(known) = clients.get_mut(client) {
            known.at = known.at.max(revoked_at);
            known.deadline = known.deadline.max(deadline);
            return false;
        }
        clients.insert(client.into(), Revoked { at: revoked_at, deadline });
        true
    }

    /// Returns the deadline of the revocation that covers a token issued to `client` at `issued`. It may have passed.
    pub(super) fn deadline(&self, client: &str, issued: NumericDate) -> Option<Deadline> {
        if !self.used.load(Ordering::Relaxed) {
            return None;
        }
        read(&self.clients).get(client).filter(|revoked| issued <= revoked.at).map(|revoked| revoked.deadline)
    }

    /// Removes expired entries and returns their number.
    pub(super) fn sweep(&self, now: Deadline) -> usize {
        let mut clients = write(&self.clients);
        let before = clients.len();
        clients.retain(|_, revoked| now < revoked.deadline);
        before - clients.len()
    }
}
