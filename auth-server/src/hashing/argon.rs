//! Argon2 itself, on memory that is used again and again.

use argon2::password_hash::phc::{self, Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash};
use auth_domain::{HashingCost, NormalizedPassword, PasswordHash};
use zeroize::{Zeroize, Zeroizing};

/// More lanes than one help nobody here, where each hash has one thread.
const LANES: u32 = 1;

/// The length of what is compared.
const OUTPUT_BYTES: usize = 32;

/// The most that a stored hash may ask for, whoever stored it: three times the memory of today's cost, seven times its
/// work.
const MOST_MEMORY_KIB: u32 = 65_536;
const MOST_WORK_KIB: u64 = 4 * MOST_MEMORY_KIB as u64;
const MOST_LANES: u32 = 16;

/// A stored hash that no password can be compared with. Its text is for the log, and has nothing of the hash but its
/// parameters.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unverifiable {
    #[error("the stored password hash cannot be read")]
    Unreadable(#[from] phc::Error),
    #[error("the stored password hash is of a kind that is not known here")]
    Unknown(#[from] password_hash::Error),
    #[error("the stored password hash lacks its salt or its result")]
    Incomplete,
    #[error(
        "the stored password hash asks for more than is allowed: {memory_kib} KiB, {passes} passes, {lanes} lanes"
    )]
    TooCostly { memory_kib: u32, passes: u32, lanes: u32 },
    #[error("the stored password hash cannot be computed")]
    Failed(#[from] argon2::Error),
}

/// What one hash fills after the other. From what the first pass of one wrote, guesses could be checked at no cost: the next
/// one writes over it, or it is wiped.
pub(super) struct HashMemory {
    blocks: Vec<Block>,
    /// So many of them may not be blank.
    written: usize,
}

impl HashMemory {
    /// As much as hashes of that cost need, taken from the operating system at once.
    pub(super) fn new(cost: HashingCost) -> Self {
        Self { blocks: vec![Block::new(); cost.memory_kib() as usize], written: 0 }
    }

    /// Nothing of any password is left in it. To be done whenever no hash is to follow at once.
    pub(super) fn wipe(&mut self) {
        self.keep(0);
    }

    /// How many blocks are not blank.
    #[cfg(test)]
    pub(super) fn filled(&self) -> usize {
        self.blocks.iter().filter(|block| block.as_ref().iter().any(|word| *word != 0)).count()
    }

    /// Wipes all but so many blocks.
    fn keep(&mut self, blocks: usize) {
        if blocks < self.written {
            self.blocks[blocks..self.written].iter_mut().zeroize();
            self.written = blocks;
        }
    }

    /// A hash of another cost than today's may need more than there is; that is given back.
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &NormalizedPassword,
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = argon2.params().block_count();
        let mut larger;
        let memory = if blocks <= self.blocks.len() {
            self.keep(blocks);
            self.written = blocks;
            self
        } else {
            self.wipe();
            larger = Self { blocks: vec![Block::new(); blocks], written: blocks };
            &mut larger
        };
        let memory = &mut memory.blocks[..blocks];
        argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, memory)
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// The hash to keep.
pub(super) fn hash(
    cost: HashingCost,
    password: &NormalizedPassword,
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

/// A stored hash, taken apart: it says itself how it was made.
pub(super) struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// Reads it, and refuses what would cost too much to be compared with.
    pub(super) fn read(hash: &PasswordHash) -> Result<Self, Unverifiable> {
        let phc = Phc::new(hash.as_str())?;
        let params = Params::try_from(&phc)?;
        let (memory_kib, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let work = u64::from(memory_kib) * u64::from(passes);
        if memory_kib > MOST_MEMORY_KIB || work > MOST_WORK_KIB || lanes > MOST_LANES {
            return Err(Unverifiable::TooCostly { memory_kib, passes, lanes });
        }
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(Unverifiable::Incomplete);
        };
        let algorithm = Algorithm::try_from(phc.algorithm.as_str())?;
        // The versions before the one that is written down did not write theirs.
        let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from)?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    /// Whether it is that password's, found out in a time that does not tell how nearly (JV-29).
    pub(super) fn matches(
        &self,
        password: &NormalizedPassword,
        memory: &mut HashMemory,
    ) -> Result<bool, Unverifiable> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut out = Zeroizing::new([0; Output::MAX_LENGTH]);
        let out = &mut out[..self.output.len()];
        memory.fill(&argon2, password, self.salt.as_ref(), out)?;
        // `Output` is compared in constant time.
        Ok(Output::new(out)? == self.output)
    }

    /// Whether passwords are hashed better than that by now (PW-02).
    pub(super) fn is_outdated(&self, today: HashingCost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.output.len() < OUTPUT_BYTES
            || today.supersedes(self.params.m_cost(), self.params.t_cost())
    }
}

#[cfg(test)]
mod tests {
    use goptri_settings::Plain;

    use super::*;

    fn password(text: &str) -> NormalizedPassword {
        NormalizedPassword::of(&Plain::new(text.to_owned())).unwrap()
    }

    fn read(phc: &str) -> Result<Stored, Unverifiable> {
        Stored::read(&PasswordHash::from_phc(phc.to_owned()))
    }

    /// The vectors of Argon2's reference implementation. A hash that does not say its version is of the first.
    const VECTORS: [&str; 3] = [
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ];

    #[test]
    fn hashes_that_others_made_are_verified_with_their_own_parameters() {
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        for phc in VECTORS {
            let stored = read(phc).unwrap();
            assert!(stored.matches(&password("password"), &mut memory).unwrap(), "{phc}");
            assert!(!stored.matches(&password("passwore"), &mut memory).unwrap(), "{phc}");
        }
        assert_eq!(memory.blocks.len(), 19_456, "what a larger one needed is given back");
    }

    /// PW-01
    #[test]
    fn a_hash_is_made_as_argon2_itself_makes_it() {
        use argon2::PasswordHasher;

        let mut memory = HashMemory::new(HashingCost::CURRENT);
        let salt = [7; 16];
        let ours = hash(HashingCost::CURRENT, &password("correct horse"), &salt, &mut memory).unwrap();
        let theirs = Argon2::default().hash_password_with_salt(b"correct horse", &salt).unwrap();
        assert_eq!(ours.as_str(), theirs.to_string());
    }

    #[test]
    fn the_memory_is_used_again_and_nothing_is_left_in_it_once_it_is_wiped() {
        let mut memory = HashMemory::new(HashingCost::CURRENT);
        let place = memory.blocks.as_ptr();
        for n in 0..3 {
            hash(HashingCost::CURRENT, &password("correct horse"), &[n; 16], &mut memory).unwrap();
            assert_eq!((memory.blocks.as_ptr(), memory.filled()), (place, 19_456));
            memory.wipe();
            assert_eq!(memory.filled(), 0);
        }
    }

    #[test]
    fn what_one_hash_left_changes_no_other_and_goes_where_that_does_not_write() {
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
    fn a_hash_that_asks_for_too_much_is_refused_before_anything_is_done() {
        for (parameters, told) in [
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
            assert!(error.to_string().contains(told), "{error}");
            let logged = format!("{error} {error:?}");
            assert!(!logged.contains("CTFhFd") && !logged.contains("c29tZXNhbHQ"), "{logged}");
        }
        assert!(
            read("$argon2id$v=19$m=65536,t=4,p=16$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
                .is_ok()
        );
    }

    #[test]
    fn what_is_no_hash_of_argon2_is_no_wrong_password() {
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
    fn a_hash_is_outdated_when_passwords_are_hashed_better_by_now() {
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
