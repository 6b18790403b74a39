//! A fixed number of counters, by keyed hash.
//!
//! A key has its place in one small set, behind a lock of its own. When the set is full, the tally goes that would
//! have been forgotten soonest anyway. So who wants their own failures forgotten early has to fail as often on about
//! every other entry of the set, and nobody knows which keys share a set: the keys of the hash are random.
//! What is lost in the worst case are failures. No wait is ever made longer.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use auth_domain::Tally;
use chrono::{DateTime, Utc};
use goptri::Clock;

/// So many share a set: few enough to look at each, and enough that sets fill alike.
const WAYS: usize = 16;

/// The counters of one kind of key.
#[derive(Debug)]
pub(super) struct Counters {
    sets: Box<[Mutex<Vec<Entry>>]>,
    /// `SipHash` with keys from the operating system. 64 bits: two of so few keys do not meet by chance.
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    tally: Tally,
}

impl Counters {
    /// Room for 16 counters in each of `sets`, taken as it is needed.
    pub(super) fn new(sets: usize) -> Self {
        Self { sets: (0..sets).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// What stands for `whom` here, and tells nothing about them.
    pub(super) fn key(&self, whom: &impl Hash) -> u64 {
        self.hasher.hash_one(whom)
    }

    /// Replaces what is remembered by what `change` makes of it, as one step, at the time that it is then.
    pub(super) fn change<T>(
        &self,
        key: u64,
        clock: &dyn Clock,
        change: impl FnOnce(Option<Tally>, DateTime<Utc>) -> (Option<Tally>, T),
    ) -> T {
        // The remainder is less than the number of sets.
        let set = usize::try_from(key % self.sets.len() as u64).unwrap_or_default();
        let mut set = self.sets[set].lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.now();
        let place = set.iter().position(|entry| entry.key == key);
        let (tally, answer) = change(place.map(|place| set[place].tally), now);
        match (place, tally.filter(|tally| !tally.is_clear(now))) {
            (Some(place), Some(tally)) => set[place].tally = tally,
            (Some(place), None) => {
                set.swap_remove(place);
            }
            (None, Some(tally)) => remember(&mut set, Entry { key, tally }),
            (None, None) => {}
        }
        answer
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

fn remember(set: &mut Vec<Entry>, entry: Entry) {
    if set.len() >= WAYS {
        let soonest = (0..set.len()).min_by_key(|place| set[*place].tally.clear_at());
        if let Some(place) = soonest {
            set[place] = entry;
        }
    } else {
        set.push(entry);
    }
}
