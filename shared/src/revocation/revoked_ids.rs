//! Revoked ids with their deadlines, in little memory: 20 bytes each, plus the map's overhead.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::quality::RandomState;

use crate::ascii;

/// The number of shards, each with a lock of its own, so that a writer rarely blocks a reader.
pub(super) const SHARDS: usize = 64;

/// Seconds on the clock of the set.
pub(super) type Deadline = u32;

/// A fast hasher suffices: auth-server chooses the ids, and only ids of verified tokens are looked up, so that an
/// attacker cannot cause collisions.
type ExpiryMap<K> = HashMap<K, Deadline, RandomState>;

/// A grow-only map: an id stays until its deadline, and a deadline only moves later.
///
/// Ids in the format that auth-server issues are stored as 128 bits. Ids of any other form, another encoding of the
/// same 128 bits included, are different ids and are stored as text.
#[derive(Debug)]
pub(super) struct RevokedIds {
    format: IdFormat,
    shards: [RwLock<ExpiryMap<[u8; 16]>>; SHARDS],
    others: RwLock<ExpiryMap<Box<str>>>,
    /// Whether any id was ever inserted. Saves parsing and a lock when none was.
    used: AtomicBool,
}

/// How auth-server writes 128 bits, in lower case.
#[derive(Debug, Clone, Copy)]
pub(super) enum IdFormat {
    /// 8-4-4-4-12, as in a `sid`.
    Uuid,
    /// 32 hex digits, as in a `jti`.
    Hex,
}

impl RevokedIds {
    pub(super) fn new(format: IdFormat) -> Self {
        Self {
            format,
            shards: std::array::from_fn(|_| RwLock::default()),
            others: RwLock::default(),
            used: AtomicBool::new(false),
        }
    }

    /// Inserts the id, or extends its deadline. Returns whether the id is new.
    pub(super) fn insert(&self, id: &str, deadline: Deadline) -> bool {
        self.used.store(true, Ordering::Relaxed);
        match self.format.parse(id) {
            Some(bits) => extend_deadline(&self.shards[shard_of(bits)], bits, deadline),
            None => extend_deadline(&self.others, id.into(), deadline),
        }
    }

    /// Returns the deadline of the id. It may have passed.
    pub(super) fn deadline(&self, id: &str) -> Option<Deadline> {
        if !self.used.load(Ordering::Relaxed) {
            return None;
        }
        match self.format.parse(id) {
            Some(bits) => read(&self.shards[shard_of(bits)]).get(&bits).copied(),
            None => read(&self.others).get(id).copied(),
        }
    }

    /// Removes the expired ids of one shard, shrinks its memory, and returns the number of ids removed.
    pub(super) fn sweep(&self, shard: usize, now: Deadline) -> usize {
        let others = if shard == 0 { expire(&self.others, now) } else { 0 };
        others + self.shards.get(shard).map_or(0, |shard| expire(shard, now))
    }
}

/// The last byte is random in both formats.
fn shard_of(bits: [u8; 16]) -> usize {
    usize::from(bits[15]) % SHARDS
}

impl IdFormat {
    fn parse(self, id: &str) -> Option<[u8; 16]> {
        match self {
            Self::Uuid => without_hyphens(id.as_bytes()).and_then(|digits| parse_hex(&digits)),
            Self::Hex => parse_hex(id.as_bytes().try_into().ok()?),
        }
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

/// Parses lower-case hex digits without branches, so that LLVM can vectorise it.
fn parse_hex(digits: &[u8; 32]) -> Option<[u8; 16]> {
    if !ascii::all_bytes(digits, |digit| digit.is_ascii_digit() | matches!(digit, b'a'..=b'f')) {
        return None;
    }
    // Only letters have bit 6 set, and the low half of 'a' is 1.
    let values = digits.map(|digit| (digit & 0x0f) + 9 * (digit >> 6));
    let (pairs, _) = values.as_chunks::<2>();
    Some(std::array::from_fn(|at| pairs[at][0] << 4 | pairs[at][1]))
}

fn extend_deadline<K: Eq + Hash>(map: &RwLock<ExpiryMap<K>>, key: K, deadline: Deadline) -> bool {
    match write(map).entry(key) {
        Occupied(mut known) => {
            *known.get_mut() = deadline.max(*known.get());
            false
        }
        Vacant(vacant) => {
            vacant.insert(deadline);
            true
        }
    }
}

fn expire<K: Eq + Hash>(map: &RwLock<ExpiryMap<K>>, now: Deadline) -> usize {
    let mut map = write(map);
    let before = map.len();
    map.retain(|_, deadline| now < *deadline);
    if map.len() < map.capacity() / 4 {
        map.shrink_to_fit();
    }
    before - map.len()
}

/// Locks for reading. Ignores poisoning: no code panics while a map is inconsistent.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, like [`read`].
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
        for (format, known) in all.into_iter().flat_map(|id| [(IdFormat::Uuid, id), (IdFormat::Hex, id)]) {
            let ids = RevokedIds::new(format);
            assert_eq!(ids.deadline(known), None);
            assert!(ids.insert(known, 9) && !ids.insert(known, 10) && !ids.insert(known, 8), "{known:?}");
            assert_eq!(ids.deadline(known), Some(10), "{known:?} has the latest of its deadlines");
            for other in all.into_iter().filter(|other| *other != known) {
                assert_eq!(ids.deadline(other), None, "{other:?} is not {known:?}");
            }
        }
    }

    #[test]
    fn sweeping_removes_exactly_the_expired_ids_and_frees_their_memory() {
        let ids = RevokedIds::new(IdFormat::Hex);
        for number in 0..1_000_u32 {
            assert!(ids.insert(&format!("{number:032x}"), 10 + number % 2));
            assert!(ids.insert(&format!("token {number}"), 10 + number % 2));
        }
        let swept = |now| (0..SHARDS).map(|shard| ids.sweep(shard, now)).sum::<usize>();
        assert_eq!([swept(9), swept(10), swept(10)], [0, 1_000, 0]);
        assert_eq!(ids.deadline(&format!("{:032x}", 1)), Some(11));
        assert_eq!(swept(11), 1_000);
        assert!(ids.shards.iter().all(|shard| read(shard).capacity() < 8));
        assert!(read(&ids.others).capacity() < 8);
    }

    #[test]
    fn ids_are_spread_over_the_shards() {
        let ids = RevokedIds::new(IdFormat::Hex);
        for number in 0..64_000_u64 {
            let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ids.insert(&format!("{id:016x}{number:016x}"), 1);
        }
        let fullest = ids.shards.iter().map(|shard| read(shard).len()).max().unwrap();
        assert!(fullest < 1_500, "{fullest} of 64,000 in one of 64");
    }

    #[test]
    fn ids_that_auth_server_issues_are_stored_as_bits() {
        let (sids, jtis) = (RevokedIds::new(IdFormat::Uuid), RevokedIds::new(IdFormat::Hex));
        sids.insert(UUID, 1);
        jtis.insert(&UUID.replace('-', ""), 1);
        assert!(read(&sids.others).is_empty() && read(&jtis.others).is_empty());
    }
}
