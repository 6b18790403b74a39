//! Ids that are known until a deadline, in as little memory as they need: 128 bits and four bytes each.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::quality::RandomState;

use crate::ascii;

/// So many parts, each behind a lock of its own, so that writing one does not hold up who reads another.
pub(super) const SHARDS: usize = 64;

/// Seconds on the clock of the set.
pub(super) type Deadline = u32;

/// Only unions: what is there stays until its deadline, and a deadline only moves away.
#[derive(Debug)]
pub(super) struct Ids {
    shards: [RwLock<Shard>; SHARDS],
    /// Whether there has ever been any.
    used: AtomicBool,
}

/// The same 128 bits in another spelling are another id.
#[derive(Debug, Default)]
struct Shard {
    hyphenated: Deadlines<[u8; 16]>,
    plain: Deadlines<[u8; 16]>,
    others: Deadlines<Box<str>>,
}

/// auth-server chooses the ids, and only those of genuine tokens are looked for: nobody else can make them collide.
type Deadlines<K> = HashMap<K, Deadline, RandomState>;

enum Id<'a> {
    Hyphenated([u8; 16]),
    Plain([u8; 16]),
    Other(&'a str),
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()), used: AtomicBool::new(false) }
    }

    /// Whether it was not there before.
    pub(super) fn insert(&self, id: &str, deadline: Deadline) -> bool {
        self.used.store(true, Ordering::Relaxed);
        let id = Id::of(id);
        let mut shard = write(self.shard(&id));
        match id {
            Id::Hyphenated(bits) => prolong(&mut shard.hyphenated, bits, deadline),
            Id::Plain(bits) => prolong(&mut shard.plain, bits, deadline),
            Id::Other(text) => prolong(&mut shard.others, text.into(), deadline),
        }
    }

    /// Until when it is known, if it is; that may be over.
    pub(super) fn deadline(&self, id: &str) -> Option<Deadline> {
        if !self.used.load(Ordering::Relaxed) {
            return None;
        }
        let id = Id::of(id);
        let shard = read(self.shard(&id));
        match id {
            Id::Hyphenated(bits) => shard.hyphenated.get(&bits),
            Id::Plain(bits) => shard.plain.get(&bits),
            Id::Other(text) => shard.others.get(text),
        }
        .copied()
    }

    /// Removes what has expired from one of the shards, gives its memory back, and says how many went.
    pub(super) fn sweep(&self, shard: usize, now: Deadline) -> usize {
        let Some(shard) = self.shards.get(shard) else { return 0 };
        let shard = &mut *write(shard);
        expire(&mut shard.hyphenated, now) + expire(&mut shard.plain, now) + expire(&mut shard.others, now)
    }

    /// Ids of 128 bits end in random ones; the sum of all the bytes of another spreads well enough.
    fn shard(&self, id: &Id<'_>) -> &RwLock<Shard> {
        let last = match id {
            Id::Hyphenated(bits) | Id::Plain(bits) => bits[15],
            Id::Other(text) => text.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)),
        };
        &self.shards[usize::from(last) % SHARDS]
    }
}

impl<'a> Id<'a> {
    /// The two spellings in which auth-server writes 128 bits; everything else is text.
    fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let known = if let Ok(digits) = bytes.try_into() {
            bits(digits).map(Self::Plain)
        } else {
            without_hyphens(bytes).and_then(|digits| bits(&digits)).map(Self::Hyphenated)
        };
        known.unwrap_or(Self::Other(text))
    }
}

/// The digits of 8-4-4-4-12.
fn without_hyphens(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut digits = [0; 32];
    for (group, (from, to)) in [(0, 8), (9, 13), (14, 18), (19, 23), (24, 36)].into_iter().enumerate() {
        digits[from - group..to - group].copy_from_slice(&text[from..to]);
    }
    [8, 13, 18, 23].iter().all(|at| text[*at] == b'-').then_some(digits)
}

/// 32 digits, in lower case.
fn bits(digits: &[u8; 32]) -> Option<[u8; 16]> {
    if !ascii::all(digits, |digit| digit.is_ascii_digit() | matches!(digit, b'a'..=b'f')) {
        return None;
    }
    // Only letters have bit 6, and 'a' ends in 1.
    let values = digits.map(|digit| (digit & 0x0f) + 9 * (digit >> 6));
    let (pairs, _) = values.as_chunks::<2>();
    Some(std::array::from_fn(|at| pairs[at][0] << 4 | pairs[at][1]))
}

fn prolong<K: Eq + Hash>(map: &mut Deadlines<K>, key: K, deadline: Deadline) -> bool {
    match map.entry(key) {
        Occupied(mut known) => {
            *known.get_mut() = deadline.max(*known.get());
            false
        }
        Vacant(place) => {
            place.insert(deadline);
            true
        }
    }
}

fn expire<K: Eq + Hash>(map: &mut Deadlines<K>, now: Deadline) -> usize {
    let before = map.len();
    map.retain(|_, deadline| now < *deadline);
    if map.len() < map.capacity() / 4 {
        map.shrink_to_fit();
    }
    before - map.len()
}

/// Nothing here panics half-way, so what another thread left behind is whole.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0193b3a4-0000-7000-8000-000000000002";

    #[test]
    fn an_id_is_known_until_its_latest_deadline_and_in_its_own_spelling_only() {
        let upper = UUID.to_uppercase();
        let bare = UUID.replace('-', "");
        let shifted = format!("{}-", &UUID.replacen('-', "", 1));
        let all = [UUID, &upper, &bare, &bare.to_uppercase(), &shifted, "", "x", "é", &"long ".repeat(99)];
        for known in all {
            let ids = Ids::new();
            assert_eq!(ids.deadline(known), None);
            assert!(ids.insert(known, 9) && !ids.insert(known, 10) && !ids.insert(known, 8), "{known:?}");
            assert_eq!(ids.deadline(known), Some(10), "{known:?} has the latest of its deadlines");
            for other in all.into_iter().filter(|other| *other != known) {
                assert_eq!(ids.deadline(other), None, "{other:?} is not {known:?}");
            }
        }
    }

    #[test]
    fn sweeping_removes_what_has_expired_and_nothing_else() {
        let ids = Ids::new();
        for number in 0..1_000_u32 {
            assert!(ids.insert(&format!("{number:032x}"), 10 + number % 2));
            assert!(ids.insert(&format!("client {number}"), 10 + number % 2));
        }
        let swept = |now| (0..SHARDS).map(|shard| ids.sweep(shard, now)).sum::<usize>();
        assert_eq!([swept(9), swept(10), swept(10)], [0, 1_000, 0]);
        assert_eq!(ids.deadline(&format!("{:032x}", 1)), Some(11));
        assert_eq!(swept(11), 1_000);
        for shard in &ids.shards {
            assert!(read(shard).plain.capacity() < 8 && read(shard).others.capacity() < 8);
        }
    }

    #[test]
    fn ids_are_spread_over_the_shards() {
        let ids = Ids::new();
        for number in 0..64_000_u64 {
            let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ids.insert(&format!("{id:016x}{number:016x}"), 1);
        }
        let fullest = ids.shards.iter().map(|shard| read(shard).plain.len()).max().unwrap();
        assert!(fullest < 1_500, "{fullest} of 64,000 in one of 64");
    }
}
