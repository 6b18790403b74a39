//! What is tried first on every account: common passwords, and what people make of them to fill a length (PW-08).
//!
//! Whatever can be told from the rest counts for nothing: a repetition is as good as what it repeats, and a run such
//! as `12345` or `qwerty` at either end adds nothing. No kind of character is asked for (PW-07).

/// One a line, in lower case and NFC, in the order of their bytes. `NOTICE.md` says where they come from.
static LIST: &str = include_str!("list.txt");

/// A repetition of fewer characters is tried soon, whatever they are.
const SHORTEST_REPEATED: usize = 8;

/// Fewer characters beside a run are tried soon, whatever they are.
const SHORTEST_BESIDE_A_RUN: usize = 4;

/// Fewer in a row are chance.
const SHORTEST_RUN: usize = 3;

/// Along these, in either direction and over the end, goes who wants to fill a length.
const TRACKS: [&str; 9] = [
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

/// Whether a password, in lower case, is among those that are guessed first.
pub(crate) fn is_common(text: &str) -> bool {
    let unit = repeated_unit(text);
    if unit.len() < text.len() && length(without_marks(unit)) < SHORTEST_REPEATED {
        return true;
    }
    let core = without_runs(unit);
    length(core) < SHORTEST_BESIDE_A_RUN
        || [text, unit, core, without_marks(unit), without_marks(core)].into_iter().any(is_listed)
}

/// What is left of a password, in lower case, once repetitions, runs and marks at its ends are taken away.
pub(crate) fn core(text: &str) -> &str {
    without_marks(without_runs(repeated_unit(text)))
}

/// Whether it is a line of the list.
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

/// The shortest start that, over and over, gives all of the text; the text itself, if it does not repeat. Two with one
/// character in between are a repetition too, and the last may be cut off.
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

/// The text without runs at its ends, and without the marks between one run and the next.
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
        rest = without_marks(rest);
    }
}

/// How many of the first characters are a run: one character again and again, or a walk along a track.
fn run(characters: &(impl Iterator<Item = char> + Clone)) -> usize {
    let Some(first) = characters.clone().next() else { return 0 };
    let same = characters.clone().take_while(|next| *next == first).count();
    let along = TRACKS.iter().filter_map(|track| {
        let start = track.find(first)?;
        let forwards = track.chars().cycle().skip(start);
        let backwards = track.chars().rev().cycle().skip(track.len() - 1 - start);
        Some(common_start(characters.clone(), forwards).max(common_start(characters.clone(), backwards)))
    });
    let longest = along.max().unwrap_or_default().max(same);
    if longest < SHORTEST_RUN { 0 } else { longest }
}

fn common_start(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// The text without what is neither a letter nor a digit at its ends.
fn without_marks(text: &str) -> &str {
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
    fn the_list_is_in_order_and_as_passwords_are_compared() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted_by(|one, other| one < other), "sorted, and none twice");
        for line in &lines {
            assert!(*line == line.to_lowercase() && is_nfc(line) && line.trim() == *line, "{line:?}");
        }
        assert!(LIST.ends_with('\n') && !LIST.contains('\r'));
        let fit_for_the_shortest_rule = lines.iter().filter(|line| length(line) >= 8).count();
        assert!(fit_for_the_shortest_rule >= 10_000, "{fit_for_the_shortest_rule}");
    }

    #[test]
    fn every_line_of_the_list_is_found_and_nothing_else() {
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
    fn what_fills_a_length_adds_nothing() {
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

    /// PW-07: no kind of character is asked for, and a run somewhere is no fault.
    #[test]
    fn what_is_not_told_from_its_start_may_be_anything() {
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
    fn the_core_is_what_is_left() {
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
