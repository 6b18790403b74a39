//! Restores the layout of PEM (RFC 7468) if a configuration changed it: indented as in YAML, on one line, or with `\n`
//! for its line breaks.

use zeroize::Zeroizing;

const MARKER: &str = "-----";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The text with each marker and each word on a line of its own. Words outside of the blocks do not matter.
pub fn restore_pem_layout(text: &str) -> Zeroizing<String> {
    // Large enough from the start: growing would leave copies of a key in memory.
    let mut pem = Zeroizing::new(String::with_capacity(2 * text.len() + 2));
    let mut rest = text;
    while let Some(at) = [BEGIN, END].iter().filter_map(|marker| rest.find(marker)).min() {
        let (before, marker) = rest.split_at(at);
        push_words(before, &mut pem);
        let length = marker_length(marker);
        pem.push_str(&marker[..length]);
        pem.push('\n');
        rest = &marker[length..];
    }
    push_words(rest, &mut pem);
    pem
}

/// The length of the marker at the start of the text. A truncated marker ends with its line.
fn marker_length(text: &str) -> usize {
    let line = text.split(['\n', '\r', '\\']).next().unwrap_or(text);
    let label = line.strip_prefix(MARKER).unwrap_or(line);
    label.find(MARKER).map_or(line.len(), |closing| MARKER.len() + closing + MARKER.len())
}

fn push_words(text: &str, pem: &mut String) {
    let lines = text.split("\\n").flat_map(|line| line.split("\\r"));
    for word in lines.flat_map(str::split_whitespace) {
        pem.push_str(word);
        pem.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\nBQYDK2Vw\n-----END PRIVATE KEY-----\n";

    #[test]
    fn each_layout_becomes_that_of_the_rfc() {
        for text in [
            PEM.to_owned(),
            PEM.trim_end().to_owned(),
            PEM.replace('\n', "\r\n"),
            PEM.replace('\n', "\r"),
            PEM.replace('\n', "\\n"),
            PEM.replace('\n', "\\r\\n"),
            PEM.replace('\n', " "),
            PEM.replace('\n', "\n    "),
            PEM.replace('\n', "\n\t"),
            PEM.replace('\n', "\n\n"),
            PEM.replace("BQYDK2Vw\n", "BQYDK2Vw"),
            format!("    {}", PEM.replace('\n', "  \n    ")),
        ] {
            assert_eq!(*restore_pem_layout(&text), PEM, "{text:?}");
        }
    }

    #[test]
    fn a_marker_that_is_cut_off_stays_one() {
        for (text, expected) in [
            ("-----BEGIN PRIVATE KEY\nMC4C", "-----BEGIN PRIVATE KEY\nMC4C\n"),
            ("MC4C\n-----END PRIV", "MC4C\n-----END PRIV\n"),
            ("MC4C\n-----EN", "MC4C\n-----EN\n"),
            ("-----BEGIN X---", "-----BEGIN X---\n"),
            ("", ""),
        ] {
            assert_eq!(*restore_pem_layout(text), expected, "{text:?}");
        }
    }
}
