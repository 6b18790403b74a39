//! The characters that no address has: those that break a header, that are invisible, or that look like a separator.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// Whether no address has this character. With an invisible character or a false separator, two addresses look the
/// same.
pub(super) fn is_rejected(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() || c == ' ' || breaks_a_header(c);
    }
    c.is_whitespace() || is_invisible(c) || imitates_a_separator(c)
}

fn breaks_a_header(c: char) -> bool {
    matches!(c, '<' | '>' | '"' | ',' | ';' | '\\')
}

/// Control and formatting characters, those that a renderer may leave out, and those whose glyph is blank or unknown.
fn is_invisible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let unknown = matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    // The blank Braille pattern, the object replacement and replacement characters, and the null note head.
    let blank = matches!(c, '\u{2800}' | '\u{fffc}' | '\u{fffd}' | '\u{1d159}');
    unknown || blank || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether the character looks like `.`, `@` or a character that breaks a header. Such a character is a variant of it,
/// for instance a full-width one, or a full stop of another script: those of Unicode TS #39, and others in use.
fn imitates_a_separator(c: char) -> bool {
    let full_stops = [
        '\u{6d4}',
        '\u{701}',
        '\u{702}',
        '\u{2cf9}',
        '\u{2e3c}',
        '\u{3002}',
        '\u{a4f8}',
        '\u{a60e}',
        '\u{10a50}',
        '\u{1d16d}',
    ];
    let mut plain = std::iter::once(c).nfkc();
    plain.any(|c| matches!(c, '.' | '@') || breaks_a_header(c) || full_stops.contains(&c))
}
