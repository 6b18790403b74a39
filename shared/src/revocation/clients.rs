//! Clients that were removed: what they were given until then is good no longer.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::quality::RandomState;

use super::ids::{Deadline, read, write};
use crate::NumericDate;

/// Only unions, as [`Ids`](super::ids::Ids) do. There are few.
#[derive(Debug, Default)]
pub(super) struct Clients {
    ends: RwLock<HashMap<Box<str>, End, RandomState>>,
    /// Whether there has ever been any.
    used: AtomicBool,
}

#[derive(Debug)]
struct End {
    until: NumericDate,
    deadline: Deadline,
}

impl Clients {
    /// What was issued until then is ended. Whether nothing of this client was before.
    pub(super) fn insert(&self, client: &str, until: NumericDate, deadline: Deadline) -> bool {
        self.used.store(true, Ordering::Relaxed);
        let mut ends = write(&self.ends);
        if let Some(known) = ends.get_mut(client) {
            known.until = known.until.max(until);
            known.deadline = known.deadline.max(deadline);
            return false;
        }
        ends.insert(client.into(), End { until, deadline });
        true
    }

    /// Until when it is known that what was issued to this client then is ended, if it is; that may be over.
    pub(super) fn deadline(&self, client: &str, issued: NumericDate) -> Option<Deadline> {
        if !self.used.load(Ordering::Relaxed) {
            return None;
        }
        read(&self.ends).get(client).filter(|end| issued <= end.until).map(|end| end.deadline)
    }

    /// Removes what has expired, and says how many went.
    pub(super) fn sweep(&self, now: Deadline) -> usize {
        let mut ends = write(&self.ends);
        let before = ends.len();
        ends.retain(|_, end| now < end.deadline);
        before - ends.len()
    }
}
