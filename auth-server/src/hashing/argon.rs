//! Argon2 on memory that is reused.

use argon2::password_hash::phc::{self, Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash};
use auth_domain::{HashingCost, NormalisedPassword, PasswordHash};
use zeroize::{Zeroize, Zeroizing};

/// Each hash has one thread, so more lanes would only help attackers.
const LANES: u32 = 1;

/// The length of the result.
const OUTPUT_BYTES: usize = 32;

/// The highest cost of a stored hash, our own or imported: three times the current memory, seven times the current
/// work.
const MAX_MEMORY_KIB: u32 = 65_536;
const MAX_WORK_KIB: u64 = 4 * MAX_MEMORY_KIB as u64;
const MAX_LANES: u32 = 16;

/// Why a stored hash cannot be verified. Its text is for the log, and shows only the parameters of the hash.
#[derive(Debug, thiserror::Error)]
pub enum Unverifiable {
    /// Not in PHC format.
    #[error("the stored password hash cannot be parsed")]
    Malformed(#[from] phc::Error),
    /// Another algorithm than Argon2.
    #[error("the stored password hash has an unknown algorithm or version")]
    Unknown(#[from] password_hash::Error),
    /// No salt or no result.
    #[error("the stored password hash lacks its salt or its result")]
    Incomplete,
    /// Above the limits for stored hashes.
    #[error("the stored password hash exceeds the limits: {memory_kib} KiB, {passes} passes, {lanes} lanes")]
    TooCostly {
        /// Memory.
        memory_kib: u32,
        /// Iterations.
        passes: u32,
        /// Parallelism.
        lanes: u32,
    },
    /// Argon2 rejects the parameters.
    #[error("the stored password hash cannot be computed")]
    Failed(#[from] argon2::Error),
}

/// The memory that hashes fill, one after the other.
///
/// The first pass of a hash leaves data that would make guesses nearly free. The next hash overwrites it, or it must be
/// wiped (docs/decisions/0007).
pub(super) struct HashMemory {
    blocks: Vec<Block>,
    /// Blocks before this one may contain data.
    written: usize,
    /// A larger allocation is released after its hash.
    max_kept: usize,
}

impl HashMemory {
    /// Allocates nothing yet. Keeps at most what hashes of this cost need.
    pub(super) fn new(cost: HashingCost) -> Self {
        Self { blocks: Vec::new(), written: 0, max_kept: cost.memory_kib() as usize }
    }

    /// Removes all data. Must be called unless another hash follows immediately.
    pub(super) fn wipe(&mut self) {
        self.wipe_after(0);
    }

    /// Wipes the memory and gives it back to the operating system.
    pub(super) fn release(&mut self) {
        self.wipe();
        self.blocks = Vec::new();
    }

    /// How many blocks contain data.
    #[cfg(test)]
    pub(super) fn filled(&self) -> usize {
        self.blocks.iter().filter(|block| block.as_ref().iter().any(|word| *word != 0)).count()
    }

    /// How many blocks are allocated.
    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        self.blocks.capacity()
    }

    fn wipe_after(&mut self, blocks: usize) {
        if blocks < self.written {
            self.blocks[blocks..self.written].iter_mut().zeroize();
            self.written = blocks;
        }
    }

    fn reserve(&mut self, blocks: usize) {
        self.wipe_after(blocks);
        if blocks > self.blocks.len() {
            self.release();
            self.blocks = vec![Block::new(); blocks];
        }
    }

    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &NormalisedPassword,
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = argon2.params().block_count();
        self.reserve(blocks);
        self.written = blocks;
        let memory = &mut self.blocks[..blocks];
        let hashed = argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, memory);
        if self.blocks.len() > self.max_kept {
            self.release();
        }
        hashed
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A hash of the password at this cost, to be stored.
pub(super) fn hash(
    cost: HashingCost,
    password: &NormalisedPassword,
    salt: &[u8],
    memory: &mut HashMemory,
) -> Result<PasswordHash, Unverifiable> {
    let params = Params::new(cost.memory_kib(), cost.passes(), LANES, Some(OUTPUT_BYTES))?;
    let names = ParamsString::try_from(&params)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = Zeroizing::new([0; OUTPUT_BYTES]);
    memory.fill(&argon2, password, salt, out.as_mut_slice())?;
    let phc = Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: names,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(out.as_slice())?),
    };
    Ok(PasswordHash::from_phc(phc.to_string()))
}

/// A parsed hash, with the parameters it was made with.
pub(super) struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// Parses a stored hash, and rejects one above the limits.
    pub(super) fn read(hash: &PasswordHash) -> Result<Self, Unverifiable> {
        let phc = Phc::new(hash.as_str())?;
        let params = Params::try_from(&phc)?;
        let (memory_kib, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let work = u64::from(memory_kib) * u64::from(passes);
        if memory_kib > MAX_MEMORY_KIB || work > MAX_WORK_KIB || lanes > MAX_LANES {
            return Err(Unverifiable::TooCostly { memory_kib, passes, lanes });
        }
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(Unverifiable::Incomplete);
        };
        let algorithm = Algorithm::try_from(phc.algorithm.as_str())?;
        // Version 16 did not write its number.
        let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from)?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    /// Whether this is the hash of the password, compared in constant time (JV-29).
    pub(super) fn matches(
        &self,
        password: &NormalisedPassword,
        memory: &mut HashMemory,
    ) -> Result<bool, Unverifiable> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut out = Zeroizing::new([0; Output::MAX_LENGTH]);
        let out = &mut out[..self.output.len()];
        memory.fill(&argon2, password, self.salt.as_ref(), out)?;
        // `Output` compares in constant time.
        Ok(Output::new(out)? == self.output)
    }

    /// Whether the hash is weaker than the current parameters (PW-02).
    pub(super) fn is_outdated(&self, current: HashingCost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.output.len() < OUTPUT_BYTES
            || current.supersedes(self.params.m_cost(), self.params.t_cost())
    }
}

#[cfg(test)]
mod tests {
    use goptri_settings::Plain;

    use super::*;

    fn password(text: &str) -> NormalisedPassword {
        NormalisedPassword::of(&Plain::new(text.to_owned())).unwrap()
    }

    fn read(phc: &str) -> Result<Stored, Unverifiable> {
        Stored::read(&PasswordHash::from_phc(phc.to_owned()))
    }

    /// The vectors of Argon2's reference implementation. A hash without a version has version 16.
    const VECTORS: [&str; 3] = [
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ];

    #[test]
    fn foreign_hashes_are_verified_with_their_own_parameters() {
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        for phc in VECTORS {
            let stored = read(phc).unwrap();
            assert!(stored.matches(&password("password"), &mut memory).unwrap(), "{phc}");
            assert!(!stored.matches(&password("passwore"), &mut memory).unwrap(), "{phc}");
        }
        assert_eq!(memory.allocated(), 0, "a larger allocation is released immediately");
    }

    /// PW-01
    #[test]
    fn a_hash_equals_that_of_the_argon2_crate() {
        use argon2::PasswordHasher;

        let mut memory = HashMemory::new(HashingCost::CURRENT);
        let salt = [7; 16];
        let ours = hash(HashingCost::CURRENT, &password("correct horse"), &salt, &mut memory).unwrap();
        let theirs = Argon2::default().hash_password_with_salt(b"correct horse", &salt).unwrap();
        assert_eq!(ours.as_str(), theirs.to_string());
    }

    #[test]
    fn memory_is_reused_and_empty_once_wiped_and_gone_once_released() {
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        assert_eq!(memory.allocated(), 0, "the first hash allocates");
        let mut addresses = Vec::new();
        for n in 0..3 {
            hash(HashingCost::CURRENT, &password("correct horse"), &[n; 16], &mut memory).unwrap();
            addresses.push(memory.blocks.as_ptr());
            assert_eq!(memory.filled(), 19_456);
            memory.wipe();
            assert_eq!(memory.filled(), 0);
        }
        addresses.dedup();
        assert_eq!(addresses.len(), 1);
        memory.release();
        assert_eq!(memory.allocated(), 0);
        hash(HashingCost::CURRENT, &password("correct horse"), &[7; 16], &mut memory).unwrap();
    }

    #[test]
    fn data_of_a_larger_hash_is_wiped_before_a_smaller_one_and_changes_no_result() {
        use argon2::PasswordHasher;

        let mut memory = HashMemory::new(HashingCost::CURRENT);
        for (memory_kib, filled) in [(19_456, 19_456), (8_192, 8_192), (19_456, 19_456), (32_768, 0)] {
            let params = Params::new(memory_kib, 1, 1, None).unwrap();
            let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_with_salt(b"correct horse", &[7; 16])
                .unwrap();
            assert!(
                read(&theirs.to_string()).unwrap().matches(&password("correct horse"), &mut memory).unwrap()
            );
            assert_eq!(memory.filled(), filled, "after one of {memory_kib} KiB");
        }
    }

    #[test]
    fn a_hash_above_the_limits_is_rejected_before_it_is_computed() {
        for (parameters, shown) in [
            ("m=4194304,t=2,p=1", "4194304 KiB, 2 passes, 1 lanes"),
            ("m=65537,t=1,p=1", "65537 KiB, 1 passes, 1 lanes"),
            ("m=65536,t=5,p=1", "65536 KiB, 5 passes, 1 lanes"),
            ("m=8,t=4294967295,p=1", "8 KiB, 4294967295 passes, 1 lanes"),
            ("m=19456,t=2,p=17", "19456 KiB, 2 passes, 17 lanes"),
        ] {
            let phc = format!(
                "$argon2id$v=19${parameters}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            );
            let Err(error) = read(&phc) else { panic!("{parameters}") };
            assert!(error.to_string().contains(shown), "{error}");
            let logged = format!("{error} {error:?}");
            assert!(!logged.contains("CTFhFd") && !logged.contains("c29tZXNhbHQ"), "{logged}");
        }
        assert!(
            read("$argon2id$v=19$m=65536,t=4,p=16$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
                .is_ok()
        );
    }

    #[test]
    fn an_invalid_hash_is_an_error_and_not_a_wrong_password() {
        for phc in [
            "",
            "$argon2id$broken",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=20$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2x$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        ] {
            assert!(read(phc).is_err(), "{phc}");
        }
    }

    /// PW-02
    #[test]
    fn a_hash_is_outdated_if_it_is_weaker_than_the_current_parameters() {
        let rest = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for (start, outdated) in [
            ("$argon2id$v=19$m=19456,t=2,p=1$", false),
            ("$argon2id$v=19$m=65536,t=3,p=4$", false),
            ("$argon2id$v=19$m=19456,t=1,p=1$", true),
            ("$argon2id$v=19$m=8192,t=2,p=1$", true),
            ("$argon2id$v=16$m=19456,t=2,p=1$", true),
            ("$argon2id$m=19456,t=2,p=1$", true),
            ("$argon2i$v=19$m=65536,t=3,p=1$", true),
        ] {
            assert_eq!(
                read(&format!("{start}{rest}")).unwrap().is_outdated(HashingCost::CURRENT),
                outdated,
                "{start}"
            );
        }
        assert!(
            read("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q")
                .unwrap()
                .is_outdated(HashingCost::CURRENT)
        );
    }
}
