//! Checks of an RSA modulus (JV-24): its size, and the fingerprint of a broken generator.

/// At least 2048 bits (RFC 7518 §3.3). More than 8192 make verification slow.
pub(super) const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The number of bits of `big_endian`, without leading zeros.
pub(super) fn bits(big_endian: &[u8]) -> usize {
    let first = big_endian.iter().position(|byte| *byte != 0).unwrap_or(big_endian.len());
    let rest = &big_endian[first..];
    rest.first().map_or(0, |top| rest.len() * 8 - top.leading_zeros() as usize)
}

/// Whether the modulus has the fingerprint of CVE-2017-15361 (ROCA): modulo each small prime it is a power of 65537.
/// The private key can be computed from such a modulus. About 1 in 2^28 other moduli has the fingerprint by chance.
pub(super) fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    small_odd_primes().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        powers_of_65537(prime).any(|power| power == rest)
    })
}

/// From 3 to 167: the primes that the generator uses for keys of every length.
fn small_odd_primes() -> impl Iterator<Item = u32> {
    (3..=167).step_by(2).filter(|number| (3..*number).step_by(2).all(|divisor| number % divisor != 0))
}

/// All powers modulo `prime`, each at least once.
fn powers_of_65537(prime: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(1), move |power| Some(power * (65_537 % prime) % prime)).take(prime as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_first_one() {
        let table: [(&[u8], usize); 6] =
            [(&[], 0), (&[0, 0], 0), (&[1], 1), (&[0, 0x80], 8), (&[1, 0], 9), (&[0xff; 256], 2048)];
        for (number, expected) in table {
            assert_eq!(bits(number), expected, "{number:?}");
        }
    }

    #[test]
    fn there_are_38_odd_primes_up_to_167() {
        let primes: Vec<u32> = small_odd_primes().collect();
        assert_eq!((primes.len(), &primes[..4], primes[37]), (38, [3, 5, 7, 11].as_slice(), 167));
    }

    /// JV-24
    #[test]
    fn a_power_of_65537_has_the_roca_fingerprint_and_its_neighbours_do_not() {
        // 65537^2 = 2^32 + 2^17 + 1.
        let square = [1, 0, 2, 0, 1];
        assert!(has_roca_fingerprint(&square));
        for other in [[1, 0, 2, 0, 3], [1, 0, 2, 0, 5], [1, 0, 2, 1, 1]] {
            assert!(!has_roca_fingerprint(&other), "{other:?}");
        }
    }
}
