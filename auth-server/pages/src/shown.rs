//! Text of users and applications, made safe to read.

use std::borrow::Cow;

/// The text without characters that change how the text around them is read: control characters, and those that
/// override or embed a direction. They become U+FFFD. The templates escape the result and isolate it with `bdi`.
pub(crate) fn neutralised(text: &str) -> Cow<'_, str> {
    if text.contains(is_deceptive) { text.replace(is_deceptive, "\u{fffd}").into() } else { text.into() }
}

fn is_deceptive(char: char) -> bool {
    let is_direction = matches!(char, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = matches!(char, '\u{2028}' | '\u{2029}');
    char.is_control() || is_direction || is_break
}

/// The first letter or digit of a name, in upper case, for the tile of an application without a logo.
pub(crate) fn initial(name: &str) -> String {
    name.chars()
        .find(|char| char.is_alphanumeric())
        .map_or_else(|| "?".to_owned(), |char| char.to_uppercase().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_change_the_text_around_them_are_replaced() {
        assert_eq!(neutralised("moc.\u{202e}elpmaxe\n"), "moc.\u{fffd}elpmaxe\u{fffd}");
        assert_eq!(neutralised("Größe 👩‍👩‍👧 שלום"), "Größe 👩‍👩‍👧 שלום");
    }

    #[test]
    fn the_tile_has_a_letter() {
        for (name, expected) in [("print shop", "P"), ("\"><b", "B"), ("ß", "SS"), ("…", "?"), ("", "?")] {
            assert_eq!(initial(name), expected, "{name}");
        }
    }
}
