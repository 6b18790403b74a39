//! Whether a text is made of nothing but certain bytes.

/// Whether all of them are. Each is looked at, whatever those before it are, so that the compiler takes sixteen at a time where
/// `is_one` has no branch either.
#[inline]
pub(crate) fn all(bytes: &[u8], is_one: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(0, |others, byte| others | u8::from(!is_one(*byte))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_byte_is_found_wherever_it_stands() {
        for length in 0..100 {
            let mut bytes = vec![b'a'; length];
            assert!(all(&bytes, |byte| byte == b'a'));
            for place in 0..length {
                bytes[place] = b'b';
                assert!(!all(&bytes, |byte| byte == b'a'), "at {place} of {length}");
                bytes[place] = b'a';
            }
        }
    }
}
