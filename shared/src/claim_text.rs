//! The strings that a claim may contain.

use crate::ascii;

/// Returns whether a claim may contain this string as an id, a name or an address: it is not blank and has no control
/// characters. Goptri issues no others, because logs, headers and databases might truncate or reject them.
pub fn is_claim_text(text: &str) -> bool {
    let is_plain = ascii::all_bytes(text.as_bytes(), |byte| matches!(byte, b' '..=b'~'));
    (is_plain || !text.contains(char::is_control)) && !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_not_blank_and_has_no_control_characters() {
        for text in
            ["a", "0190b0a0-0000-7000-8000-000000000001", "ann@b\u{fc}cher.example", "a b", "\u{1f600}", "~"]
        {
            assert!(is_claim_text(text), "{text:?}");
        }
        for text in [
            "",
            " ",
            "\u{3000}\u{a0}",
            "\0",
            "a\0",
            "\na",
            "a\tb",
            "a\x1b[2J",
            "a\x7f",
            "a\u{80}",
            "\u{fc}\u{9f}",
        ] {
            assert!(!is_claim_text(text), "{text:?}");
        }
    }
}
