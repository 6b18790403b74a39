//! Whether an RSA modulus may be relied on (JV-24): large enough, and not of a generator that is known to be broken.

/// RFC 7518 §3.3: a key of 2048 bits or larger. More than 8192 is no safer, and costs whoever verifies.
pub(super) const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// How many bits `big_endian` has, without leading zeros.
pub(super) fn bits(big_endian: &[u8]) -> usize {
    let first = big_endian.iter().position(|byte| *byte != 0).unwrap_or(big_endian.len());
    let rest = &big_endian[first..];
    rest.first().map_or(0, |top| rest.len() * 8 - top.leading_zeros() as usize)
}

/// Whether it looks like those of the library behind CVE-2017-15361 (ROCA), whose primes are found from the public key:
/// modulo each small prime it is a power of 65537, for others as likely as one in 2^100 or so.
pub(super) fn is_of_roca(modulus: &[u8]) -> bool {
    small_odd_primes().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        powers_of_65537(prime).any(|power| power == rest)
    })
}

/// From 3 to 167: the primes that such a generator's product has for keys of every length.
fn small_odd_primes() -> impl Iterator<Item = u32> {
    (3..=167).step_by(2).filter(|number| (3..*number).step_by(2).all(|divisor| number % divisor != 0))
}

/// All of them modulo `prime`, each at least once.
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
    fn a_power_of_65537_is_taken_for_one_of_roca_and_its_neighbours_are_not() {
        // 65537^2 = 2^32 + 2^17 + 1.
        let square = [1, 0, 2, 0, 1];
        assert!(is_of_roca(&square));
        for other in [[1, 0, 2, 0, 3], [1, 0, 2, 0, 5], [1, 0, 2, 1, 1]] {
            assert!(!is_of_roca(&other), "{other:?}");
        }
    }
}
