//! The entries that were broadcast lately, because the store may return an entry several times.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use auth_store::RevocationRecord;

/// How long an entry is remembered after the store has returned it. A store that returns an entry again does so within
/// this time: one that reads by time reads all entries every minute.
const KEPT: Duration = Duration::from_mins(2);

/// A set of entries. An entry that was not returned for two minutes is dropped.
#[derive(Default)]
pub(super) struct Seen {
    /// By a hash of 128 bits, because there may be millions of entries. The keys are random, so that no client can
    /// choose two subjects with one hash.
    returned: HashMap<u128, Duration>,
    keys: [RandomState; 2],
    pruned: Duration,
}

impl Seen {
    /// Whether the entry was not seen lately. An entry that was recorded again, at another time, is new.
    pub(super) fn is_new(&mut self, entry: &RevocationRecord, now: Duration) -> bool {
        let name = (entry.kind, &entry.subject, entry.created_at);
        let [high, low] = [&self.keys[0], &self.keys[1]].map(|key| u128::from(key.hash_one(name)));
        self.returned.insert(high << 64 | low, now).is_none()
    }

    /// Drops what was not returned lately, at most once in that time.
    pub(super) fn prune(&mut self, now: Duration) {
        if now.saturating_sub(self.pruned) >= KEPT {
            self.returned.retain(|_, returned| now.saturating_sub(*returned) < KEPT);
            self.pruned = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_store::RevocationKind;
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn entry(subject: &str) -> RevocationRecord {
        let created_at = DateTime::UNIX_EPOCH;
        let expires_at = created_at + TimeDelta::hours(1);
        RevocationRecord { kind: RevocationKind::Token, subject: subject.to_owned(), created_at, expires_at }
    }

    #[test]
    fn an_entry_is_new_once_as_long_as_it_is_returned() {
        let (mut seen, minute) = (Seen::default(), Duration::from_mins(1));
        for minutes in 0..10 {
            assert_eq!(seen.is_new(&entry("a"), minute * minutes), minutes == 0, "after {minutes} minutes");
            seen.prune(minute * minutes);
        }
        assert!(seen.is_new(&entry("b"), minute * 10), "another subject");
        let token = entry("a");
        let client = RevocationRecord { kind: RevocationKind::Client, ..token.clone() };
        assert!(seen.is_new(&client, minute * 10), "another kind");
        let later = RevocationRecord { created_at: token.created_at + TimeDelta::seconds(1), ..token };
        assert!(seen.is_new(&later, minute * 10), "recorded again");
    }

    #[test]
    fn an_entry_that_is_not_returned_any_more_takes_no_memory() {
        let mut seen = Seen::default();
        assert!(seen.is_new(&entry("a"), Duration::ZERO));
        seen.prune(KEPT);
        assert_eq!(seen.returned.len(), 0);
    }
}
