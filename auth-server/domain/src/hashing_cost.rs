//! What hashing a password costs whoever guesses.

/// The parameters of Argon2id that are enough, each row with one lane (PW-01): KiB and passes, by OWASP.
const OWASP_MINIMUMS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// The parameters of Argon2id with one lane, never weaker than what is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingCost {
    memory_kib: u32,
    passes: u32,
}

/// Passwords hashed so are guessed too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Argon2id needs at least one of 46 MiB and 1 pass, 19 MiB and 2, 12 MiB and 3, 9 MiB and 4, 7 MiB and 5"
)]
pub struct CostTooLow;

impl HashingCost {
    /// What passwords are hashed with here. A weaker one would not compile.
    pub const CURRENT: Self = match Self::new(19_456, 2) {
        Ok(cost) => cost,
        Err(CostTooLow) => panic!("passwords would be guessed too fast"),
    };

    /// A cost, if it is enough.
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, CostTooLow> {
        if is_enough(memory_kib, passes) { Ok(Self { memory_kib, passes }) } else { Err(CostTooLow) }
    }

    /// How much memory one hash fills.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often it does so.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Whether a hash with these parameters is to be made anew with this cost (PW-02): it would not be enough today,
    /// or it is less work in all. Of two costs at most one replaces the other's hashes, so that two versions of a
    /// server do not do so in turn.
    pub const fn supersedes(self, memory_kib: u32, passes: u32) -> bool {
        !is_enough(memory_kib, passes) || work(memory_kib, passes) < work(self.memory_kib, self.passes)
    }
}

const fn is_enough(memory_kib: u32, passes: u32) -> bool {
    let mut row = 0;
    while row < OWASP_MINIMUMS.len() {
        if memory_kib >= OWASP_MINIMUMS[row].0 && passes >= OWASP_MINIMUMS[row].1 {
            return true;
        }
        row += 1;
    }
    false
}

/// As many KiB as are written in all.
const fn work(memory_kib: u32, passes: u32) -> u64 {
    memory_kib as u64 * passes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PW-01
    #[test]
    fn what_is_weaker_than_every_row_of_the_table_is_refused() {
        for (memory_kib, passes) in OWASP_MINIMUMS {
            assert!(HashingCost::new(memory_kib, passes).is_ok());
            assert!(HashingCost::new(memory_kib * 2, passes + 7).is_ok());
            assert_eq!(HashingCost::new(memory_kib - 1, passes), Err(CostTooLow));
            assert_eq!(HashingCost::new(memory_kib, passes - 1), Err(CostTooLow));
        }
        for (memory_kib, passes) in [(0, 0), (u32::MAX, 0), (7_167, u32::MAX), (19_455, 2), (47_103, 1)] {
            assert_eq!(HashingCost::new(memory_kib, passes), Err(CostTooLow), "{memory_kib}, {passes}");
        }
        assert_eq!((HashingCost::CURRENT.memory_kib(), HashingCost::CURRENT.passes()), (19_456, 2));
    }

    /// PW-02
    #[test]
    fn hashes_of_less_work_are_replaced_and_never_in_turn() {
        let today = HashingCost::CURRENT;
        for (memory_kib, passes, replaced) in [
            (19_456, 2, false),
            (19_456, 3, false),
            (47_104, 1, false),
            (65_536, 4, false),
            (u32::MAX, u32::MAX, false),
            (19_456, 1, true),
            (19_455, 2, true),
            (7_168, 5, true),
            (8, 1_000_000, true),
            (0, 0, true),
        ] {
            assert_eq!(today.supersedes(memory_kib, passes), replaced, "{memory_kib}, {passes}");
        }
        for one in OWASP_MINIMUMS.map(|(memory_kib, passes)| HashingCost { memory_kib, passes }) {
            for other in OWASP_MINIMUMS.map(|(memory_kib, passes)| HashingCost { memory_kib, passes }) {
                let both = one.supersedes(other.memory_kib, other.passes)
                    && other.supersedes(one.memory_kib, one.passes);
                assert!(!both, "{one:?} and {other:?}");
            }
        }
    }
}
