//! A fixed number of counters, by keyed hash.
//!
//! Each key belongs to one small set with its own lock. A full set evicts the counter that would expire first. To evict
//! their own counter early, attackers would have to fail as often on nearly every other entry of the set, and the keys
//! of the hash are random, so they cannot tell which keys share a set. Eviction only loses failures; it never makes a
//! wait longer.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use auth_domain::Tally;
use chrono::{DateTime, Utc};
use goptri::clock::Clock;

/// Entries per set: few enough to scan, and enough that sets fill evenly.
const ENTRIES_PER_SET: usize = 16;

/// The counters of one kind of key.
#[derive(Debug)]
pub(super) struct Counters {
    sets: Box<[Mutex<Vec<Entry>>]>,
    /// `SipHash` with random keys. With 64 bits, a collision of any two of so few keys is improbable.
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    tally: Tally,
}

impl Counters {
    /// Up to 16 counters in each of `sets` sets, allocated when needed.
    pub(super) fn new(sets: usize) -> Self {
        Self { sets: (0..sets).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// The key of `subject`, which does not reveal it.
    pub(super) fn key(&self, subject: &impl Hash) -> u64 {
        self.hasher.hash_one(subject)
    }

    /// Replaces a counter atomically by the one that `change` returns for it and the current time.
    pub(super) fn update<T>(
        &self,
        key: u64,
        clock: &dyn Clock,
        change: impl FnOnce(Option<Tally>, DateTime<Utc>) -> (Option<Tally>, T),
    ) -> T {
        // The remainder is less than the number of sets.
        let set = usize::try_from(key % self.sets.len() as u64).unwrap_or_default();
        let mut set = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.now();
        let index = set.iter().position(|entry| entry.key == key);
        let (tally, result) = change(index.map(|index| set[index].tally), now);
        match (index, tally.filter(|tally| !tally.is_clear(now))) {
            (Some(index), Some(tally)) => set[index].tally = tally,
            (Some(index), None) => {
                set.swap_remove(index);
            }
            (None, Some(tally)) => insert(&mut set, Entry { key, tally }),
            (None, None) => {}
        }
        result
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(|set| set.lock().unwrap().len()).sum()
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self.sets.iter().map(|set| set.lock().unwrap().capacity()).sum();
        entries * size_of::<Entry>() + self.sets.len() * size_of::<Mutex<Vec<Entry>>>()
    }
}

fn insert(set: &mut Vec<Entry>, entry: Entry) {
    if set.len() >= ENTRIES_PER_SET {
        let first_to_expire = (0..set.len()).min_by_key(|index| set[*index].tally.clear_at());
        if let Some(index) = first_to_expire {
            set[index] = entry;
        }
    } else {
        set.push(entry);
    }
}
