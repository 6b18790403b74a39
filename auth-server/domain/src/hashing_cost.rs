//! The cost of a password hash, which slows down an attacker who has a copy of the database.

/// OWASP's minimal parameters of Argon2id with one lane, as KiB and passes (PW-01). Each row is sufficient.
const OWASP_MINIMUMS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// Parameters of Argon2id with one lane, not weaker than OWASP's minimums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingCost {
    memory_kib: u32,
    passes: u32,
}

/// The parameters are weaker than OWASP's minimums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Argon2id needs at least one of 46 MiB and 1 pass, 19 MiB and 2, 12 MiB and 3, 9 MiB and 4, 7 MiB and 5"
)]
pub struct CostTooLow;

impl HashingCost {
    /// The cost of new hashes. A weaker one would not compile.
    pub const CURRENT: Self = match Self::new(19_456, 2) {
        Ok(cost) => cost,
        Err(CostTooLow) => panic!("weaker than OWASP's minimums"),
    };

    /// A cost.
    ///
    /// # Errors
    /// [`CostTooLow`] if it is weaker than OWASP's minimums.
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, CostTooLow> {
        if is_sufficient(memory_kib, passes) { Ok(Self { memory_kib, passes }) } else { Err(CostTooLow) }
    }

    /// The memory of one hash, in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over that memory.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Whether a hash with these parameters must be replaced by one with this cost (PW-02): it is below the minimums, or
    /// it takes less work. Of two costs at most one supersedes the other, so that two versions of a server do not
    /// replace each other's hashes for ever.
    pub const fn supersedes(self, memory_kib: u32, passes: u32) -> bool {
        !is_sufficient(memory_kib, passes) || work(memory_kib, passes) < work(self.memory_kib, self.passes)
    }
}

const fn is_sufficient(memory_kib: u32, passes: u32) -> bool {
    let mut row = 0;
    while row < OWASP_MINIMUMS.len() {
        if memory_kib >= OWASP_MINIMUMS[row].0 && passes >= OWASP_MINIMUMS[row].1 {
            return true;
        }
        row += 1;
    }
    false
}

/// The KiB written in total.
const fn work(memory_kib: u32, passes: u32) -> u64 {
    memory_kib as u64 * passes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PW-01
    #[test]
    fn parameters_below_every_row_of_the_table_are_rejected() {
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
    fn hashes_of_less_work_are_superseded_and_never_mutually() {
        let current = HashingCost::CURRENT;
        for (memory_kib, passes, superseded) in [
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
            assert_eq!(current.supersedes(memory_kib, passes), superseded, "{memory_kib}, {passes}");
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
