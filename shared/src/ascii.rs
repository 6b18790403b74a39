//! A vectorised test of all bytes of a text.

/// Whether `is_allowed` holds for all bytes. The loop has no early exit, so that LLVM can vectorise it if `is_allowed`
/// has no branch either.
#[inline]
pub(crate) fn all_bytes(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(0, |rejected, byte| rejected | u8::from(!is_allowed(*byte))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rejected_byte_is_found_at_every_position() {
        for length in 0..100 {
            let mut bytes = vec![b'a'; length];
            assert!(all_bytes(&bytes, |byte| byte == b'a'));
            for position in 0..length {
                bytes[position] = b'b';
                assert!(!all_bytes(&bytes, |byte| byte == b'a'), "at {position} of {length}");
                bytes[position] = b'a';
            }
        }
    }
}
