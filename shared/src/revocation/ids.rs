//! Ids that are known until a deadline, in as little memory as they need: 128 bits and four bytes each.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::hash::Hash;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many parts, each behind a lock of its own, so that writing one does not hold up who reads another.
pub(super) const SHARDS: usize = 64;

/// Seconds on the clock of the set.
pub(super) type Deadline = u32;

/// Only unions: what is there stays until its deadline, and a deadline only moves away.
#[derive(Debug)]
pub(super) struct Ids {
    shards: [RwLock<Shard>; SHARDS],
}

/// The same 128 bits in another spelling are another id.
#[derive(Debug, Default)]
struct Shard {
    hyphenated: HashMap<[u8; 16], Deadline>,
    plain: HashMap<[u8; 16], Deadline>,
    others: HashMap<Box<str>, Deadline>,
}

enum Id {
    Hyphenated([u8; 16]),
    Plain([u8; 16]),
    Other,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()) }
    }

    /// Whether it was not there before.
    pub(super) fn insert(&self, id: &str, deadline: Deadline) -> bool {
        let mut shard = write(self.shard(id));
        match Id::of(id) {
            Id::Hyphenated(bits) => prolong(&mut shard.hyphenated, bits, deadline),
            Id::Plain(bits) => prolong(&mut shard.plain, bits, deadline),
            Id::Other => prolong(&mut shard.others, id.into(), deadline),
        }
    }

    pub(super) fn contains(&self, id: &str, now: Deadline) -> bool {
        let shard = read(self.shard(id));
        let deadline = match Id::of(id) {
            Id::Hyphenated(bits) => shard.hyphenated.get(&bits),
            Id::Plain(bits) => shard.plain.get(&bits),
            Id::Other => shard.others.get(id),
        };
        deadline.is_some_and(|deadline| now < *deadline)
    }

    /// Removes what has expired from one of the shards, gives its memory back, and says how many went.
    pub(super) fn sweep(&self, shard: usize, now: Deadline) -> usize {
        let Some(shard) = self.shards.get(shard) else { return 0 };
        let shard = &mut *write(shard);
        expire(&mut shard.hyphenated, now) + expire(&mut shard.plain, now) + expire(&mut shard.others, now)
    }

    /// Ids are random in most of their bytes, so that the sum of all spreads well.
    fn shard(&self, id: &str) -> &RwLock<Shard> {
        let sum = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        &self.shards[usize::from(sum) % SHARDS]
    }
}

impl Id {
    /// The two spellings in which auth-server writes 128 bits; everything else is text.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        match bytes.len() {
            32 => hex(bytes.iter()).map_or(Self::Other, Self::Plain),
            36 if [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-') => {
                let digits =
                    bytes.iter().enumerate().filter(|(at, _)| ![8, 13, 18, 23].contains(at)).map(|(_, b)| b);
                hex(digits).map_or(Self::Other, Self::Hyphenated)
            }
            _ => Self::Other,
        }
    }
}

/// 32 digits, in lower case.
fn hex<'a>(mut digits: impl Iterator<Item = &'a u8>) -> Option<[u8; 16]> {
    let mut digit = || match digits.next()? {
        b @ b'0'..=b'9' => Some(b - b'0'),
        b @ b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bits = [0; 16];
    for byte in &mut bits {
        *byte = digit()? << 4 | digit()?;
    }
    Some(bits)
}

fn prolong<K: Eq + Hash>(map: &mut HashMap<K, Deadline>, key: K, deadline: Deadline) -> bool {
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

fn expire<K: Eq + Hash>(map: &mut HashMap<K, Deadline>, now: Deadline) -> usize {
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
    fn an_id_is_known_until_its_deadline_and_in_its_own_spelling_only() {
        let upper = UUID.to_uppercase();
        let bare = UUID.replace('-', "");
        let shifted = format!("{}-", &UUID.replacen('-', "", 1));
        let all = [UUID, &upper, &bare, &bare.to_uppercase(), &shifted, "", "x", "é", &"long ".repeat(99)];
        for known in all {
            let ids = Ids::new();
            assert!(ids.insert(known, 10) && !ids.insert(known, 9) && ids.contains(known, 9), "{known:?}");
            assert!(!ids.contains(known, 10), "{known:?} ends at its deadline");
            for other in all.into_iter().filter(|other| *other != known) {
                assert!(!ids.contains(other, 0), "{other:?} is not {known:?}");
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
        assert!(ids.contains(&format!("{:032x}", 1), 10));
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
