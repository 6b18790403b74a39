//! Detects passwords that attackers try first: common ones, and what users make of them to reach a minimal length
//! (PW-08).
//!
//! Predictable parts add no strength: a repetition is as weak as its unit, and so is a password with a run such as
//! `12345` or `qwerty` at either end. No class of characters is required (PW-07).

/// One password per line, in lower case and NFC, sorted by bytes. `NOTICE.md` has the sources.
static LIST: &str = include_str!("list.txt");

/// A password that repeats a unit of fewer characters is common, whatever the unit is.
const MIN_REPEATED_UNIT: usize = 8;

/// A password with fewer characters than this besides its runs is common, whatever they are.
const MIN_BESIDE_RUN: usize = 4;

/// Fewer characters of a sequence are a coincidence, not a run.
const MIN_RUN: usize = 3;

/// Rows of keyboards and other sequences. A run follows one in either direction, also past its end (`890123`).
const SEQUENCES: [&str; 9] = [
    "1234567890",
    "!@#$%^&*()",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// Whether a password in lower case is one that attackers try first.
pub(crate) fn is_common(text: &str) -> bool {
    let unit = repeated_unit(text);
    if unit.len() < text.len() && length(without_punctuation(unit)) < MIN_REPEATED_UNIT {
        return true;
    }
    let core = without_runs(unit);
    length(core) < MIN_BESIDE_RUN
        || [text, unit, core, without_punctuation(unit), without_punctuation(core)].into_iter().any(is_listed)
}

/// The part of a password in lower case without repetitions, and without runs and punctuation at its ends.
pub(crate) fn core(text: &str) -> &str {
    without_punctuation(without_runs(repeated_unit(text)))
}

/// Whether the text is a line of the list. A binary search by bytes.
fn is_listed(text: &str) -> bool {
    let (mut from, mut to) = (0, LIST.len());
    while from < to {
        let middle = from.midpoint(to);
        let start =
            LIST.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = LIST[start..].split('\n').next().unwrap_or_default();
        match text.cmp(line) {
            std::cmp::Ordering::Equal => return !line.is_empty(),
            std::cmp::Ordering::Less => to = start,
            std::cmp::Ordering::Greater => from = start + line.len() + 1,
        }
    }
    false
}

/// The shortest prefix of which the text is a repetition; the text itself if there is none. The last repetition may be
/// incomplete, and two copies with one character between them count as a repetition.
fn repeated_unit(text: &str) -> &str {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let repeats_after = |period: &usize| {
        let later = &characters[*period..];
        later.iter().zip(&characters).all(|((_, later), (_, earlier))| later == earlier)
    };
    match (1..=characters.len().div_ceil(2)).find(repeats_after).and_then(|period| characters.get(period)) {
        Some((end, _)) => &text[..*end],
        None => text,
    }
}

/// The text without runs at its ends, and without punctuation between them.
fn without_runs(text: &str) -> &str {
    let mut rest = text;
    loop {
        let at_start = run(&rest.chars());
        let after: &str = rest.char_indices().nth(at_start).map_or("", |(start, _)| &rest[start..]);
        let at_end = run(&after.chars().rev());
        if at_start + at_end == 0 {
            return rest;
        }
        rest = match at_end {
            0 => after,
            _ => after.char_indices().nth_back(at_end - 1).map_or("", |(start, _)| &after[..start]),
        };
        rest = without_punctuation(rest);
    }
}

/// How many of the first characters are a run: one repeated character, or a part of a sequence.
fn run(characters: &(impl Iterator<Item = char> + Clone)) -> usize {
    let Some(first) = characters.clone().next() else { return 0 };
    let same = characters.clone().take_while(|next| *next == first).count();
    let along = SEQUENCES.iter().filter_map(|sequence| {
        let start = sequence.find(first)?;
        let forwards = sequence.chars().cycle().skip(start);
        let backwards = sequence.chars().rev().cycle().skip(sequence.len() - 1 - start);
        Some(common_prefix(characters.clone(), forwards).max(common_prefix(characters.clone(), backwards)))
    });
    let longest = along.max().unwrap_or_default().max(same);
    if longest < MIN_RUN { 0 } else { longest }
}

fn common_prefix(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// The text without punctuation and spaces at its ends.
fn without_punctuation(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphanumeric())
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use unicode_normalization::is_nfc;

    use super::*;

    #[test]
    fn the_list_is_sorted_and_in_the_form_in_which_passwords_are_compared() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted_by(|one, other| one < other), "sorted, and none twice");
        for line in &lines {
            assert!(*line == line.to_lowercase() && is_nfc(line) && line.trim() == *line, "{line:?}");
        }
        assert!(LIST.ends_with('\n') && !LIST.contains('\r'));
        let long_enough_to_be_set = lines.iter().filter(|line| length(line) >= 8).count();
        assert!(long_enough_to_be_set >= 10_000, "{long_enough_to_be_set}");
    }

    #[test]
    fn the_search_finds_exactly_the_lines_of_the_list() {
        for line in LIST.lines() {
            assert!(is_listed(line) && is_common(line), "{line}");
            assert!(!is_listed(&format!("{line}\n")) && !is_listed(&format!("\n{line}")), "{line}");
        }
        for other in
            ["", "\n", "pasword without", "password\u{0}", "zzzzzzzzzzzzzzzzzzz", "~", "\u{10ffff}", "0", "!"]
        {
            assert!(!is_listed(other), "{other:?}");
        }
    }

    #[test]
    fn padding_a_common_password_does_not_help() {
        for text in [
            "123456789012345",
            "543210987654321",
            "qwertyuiopasdfgh",
            "mnbvcxzlkjhgfdsa",
            "qwertzuiopasdfghjkl",
            "azertyuiopqsdfghj",
            "abcdefghijklmnop",
            "!@#$%^&*()!@#$%^",
            "1qaz2wsx3edc4rfv5tgb",
            "aaaaaaaaaaaaaaa",
            "               ",
            "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
            "abcabcabcabcabc",
            "passwordpassword",
            "password password",
            "passwordpasswordpass",
            "monkey-monkey-monkey-",
            "password1234567",
            "password!!!!!!!",
            "1234567password",
            "111dragon123456",
            "dragon-12345678",
            "qwerty-12345-qwerty",
            "123-abc-456-qwe",
            "k3f12345678901234",
            "x7q9x7q9x7q9x7q9",
            "password1password1",
            "йцукен12345678901",
        ] {
            assert!(is_common(text), "{text:?}");
        }
    }

    /// PW-07: no class of characters is required, and a run in the middle is allowed.
    #[test]
    fn other_passwords_are_not_common() {
        for text in [
            "correct horse battery staple",
            "correcthorsebatterystaple",
            "onlylowercaselettershere",
            "830417529160382",
            "ich bin 123 jahre alt",
            "password monkey dragon",
            "k3f9zq7w2m 12345",
            "über den wolken",
            "$]{?>=+~|\\/<;:_",
            "x7kq9mzwx7kq9mzw",
            "用户例子广告电子邮件地址密码安全",
        ] {
            assert!(!is_common(text), "{text:?}");
        }
    }

    #[test]
    fn the_core_is_the_part_without_padding() {
        for (text, left) in [
            ("goptri123456789", "goptri"),
            ("***goptri-goptri***", "goptri-goptri"),
            ("123ann321", "ann"),
            ("annannann", "ann"),
            ("123456789", ""),
            ("", ""),
            ("über", "über"),
        ] {
            assert_eq!(core(text), left, "{text}");
        }
    }
}
