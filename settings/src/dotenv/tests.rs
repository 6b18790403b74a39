//! What `.env` may contain.

use super::*;

fn parsed(text: &str) -> Result<Vec<(String, String)>, EnvironmentError> {
    parse(text.as_bytes(), |name| name == "OF_PROCESS")
}

fn error(bytes: &[u8]) -> String {
    parse(bytes, |_| false).unwrap_err().to_string()
}

/// The value of the last line.
fn last(text: &str) -> String {
    parsed(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).pop().unwrap().1
}

#[test]
fn assignments_comments_quotes_and_substitutions_are_read() {
    let text = "# a comment\r\nA=1\r\n\nexport B='x y $A'\nC=\"two\nlines\"\nD=${A}2 # why\nA=3\nE= ";
    let parsed = parsed(text).unwrap();
    let parsed: Vec<_> = parsed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [("A", "1"), ("B", "x y $A"), ("C", "two\nlines"), ("D", "12"), ("A", "3"), ("E", "")];
    assert_eq!(parsed, expected);
    assert_eq!(parse(b"", |_| false).unwrap(), []);
}

#[test]
fn a_reference_has_the_whole_name_and_the_value_of_the_variable() {
    for (text, value) in [
        ("A_B=x\nISSUER=https://$A_B.example", "https://x.example"),
        ("A_B=x\nISSUER=https://${A_B}.example", "https://x.example"),
        ("A=y\nA_B=x\nC=$A_B$A-$A.", "xy-y."),
        ("A=x\nB=\"$A\"", "x"),
        ("A=x\nB=\"$A $A\" # why", "x x"),
        ("A=x\nB=$A # why", "x"),
        ("A=x\nB=$A", "x"),
        ("A1_2=x\nB=$A1_2/y", "x/y"),
        ("export A=x\nB=$A", "x"),
        ("A =x\nB=$A", "x"),
        ("A=\nB=[$A]", "[]"),
        ("A=x\nB=\"two\nlines $A\"", "two\nlines x"),
        ("A='it''s'\nB=$A", "its"),
        ("A=x\nB='$A $OTHER $'", "$A $OTHER $"),
        ("B=\\$A", "$A"),
        ("B=\"pa\\$\\$word\"", "pa$$word"),
        ("# $OTHER ${\nB=x", "x"),
        ("B=x # $OTHER", "x"),
        ("B= # $OTHER", ""),
        ("B=\"# $OF_PROCESS\"", "# "),
    ] {
        assert_eq!(last(text), value, "{text:?}");
    }
}

#[test]
fn a_dollar_sign_that_names_no_variable_is_an_error_that_does_not_show_it() {
    for (text, line, problem) in [
        ("A=pa$hunter2", 1, "is not set above or in the environment"),
        ("A=x\n\nB=${hunter2}", 3, "is not set above or in the environment"),
        ("A=$B\nB=x", 1, "is not set above or in the environment"),
        ("A=$A", 1, "is not set above or in the environment"),
        ("A=x\nB=$A_hunter2", 2, "is not set above or in the environment"),
        ("A=\"two\nlines $hunter2\"", 2, "is not set above or in the environment"),
        ("A=hunter2$", 1, "has a $ without a name after it"),
        ("A=x\nB=hunter2$$A", 2, "has a $ without a name after it"),
        ("A=$1hunter2", 1, "has a $ without a name after it"),
        ("A=$(hunter2)", 1, "has a $ without a name after it"),
        ("A=x\nB=${A:-hunter2}", 2, "has a $ without a name after it"),
        ("A=x\nB=${A", 2, "has a $ without a name after it"),
        ("A=\"hunter2$\"", 1, "has a $ without a name after it"),
    ] {
        let error = error(text.as_bytes());
        assert!(
            error.starts_with(&format!("line {line} of .env ")) && error.contains(problem),
            "{text:?}: {error}"
        );
        assert!(error.ends_with("; write ${NAME} for a variable, and \\$ for the sign itself"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_syntax_error_names_the_line_and_never_its_text() {
    for (text, line) in [
        ("hunter2", 1),
        ("A=1\n\nhunter2\nB=2\n", 3),
        ("A=1\nB=hunter2 hunter2\nhunter2\n", 2),
        ("A=1\n# a comment\nB='hunter2\nC=2\n", 3),
        ("A=\"two\nlines\"\nB=\"hunter2\n", 3),
        ("A='1'\nB='hunter2\nC='2'\nD=4", 2),
        ("=hunter2", 1),
        ("A=1\r\nB hunter2\r\n", 2),
    ] {
        let error = error(text.as_bytes());
        assert!(error.starts_with(&format!("line {line} of .env is not NAME=value")), "{text:?}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let parsed = parse(b"\xef\xbb\xbfA=x\r\nB=y\r\n", |_| false).unwrap();
    assert_eq!(parsed, [("A".into(), "x".into()), ("B".into(), "y".into())]);
}

#[test]
fn other_encodings_than_utf_8_are_named_with_the_remedy() {
    let utf_16 = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| {
        [bom, &"A=hunter2\n".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    };
    let files = [
        (utf_16(b"\xff\xfe", u16::to_le_bytes), ".env is encoded as UTF-16"),
        (utf_16(b"\xfe\xff", u16::to_be_bytes), ".env is encoded as UTF-16"),
        (utf_16(b"", u16::to_le_bytes), ".env is encoded as UTF-16"),
        (utf_16(b"", u16::to_be_bytes), ".env is encoded as UTF-16"),
        (b"A=hunter2\0\n".to_vec(), ".env has NUL bytes"),
        (b"A=1\nB=hunter2\xe4\n".to_vec(), "line 2 of .env is not encoded as UTF-8"),
    ];
    for (bytes, problem) in files {
        let error = error(&bytes);
        assert!(error.contains(problem) && !error.contains("hunter2"), "{error}");
        assert!(error.ends_with("as UTF-8 without a byte order mark"), "{error}");
    }
}
