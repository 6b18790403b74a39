//! Requests that are made to be expensive to parse, of the largest size that a server reads.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The largest body that a server reads.
const BODY_BYTES: usize = 16 * 1024;

/// The size of the headers.
const HEADER_BYTES: usize = 16 * 1024;

/// Just below the largest token that a server parses.
const TOKEN_BYTES: usize = 8_000;

/// A plain and an expensive request.
pub struct Pair {
    pub name: String,
    pub plain: Vec<u8>,
    pub expensive: Vec<u8>,
}

/// The pairs for one route.
pub fn pairs(method: &str, path: &str) -> Vec<Pair> {
    let pair = |name: &str, plain: Vec<u8>, expensive: Vec<u8>| Pair {
        name: format!("{method} {path}: {name}"),
        plain,
        expensive,
    };
    let body = |kind: &str, body: &str| {
        let length = body.len();
        let headers = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        [request(method, path, &headers).into_bytes(), body.as_bytes().to_vec()].concat()
    };
    let header = |header: &str| request(method, path, &format!("{header}\r\n")).into_bytes();
    let mut pairs = Vec::new();
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    for (name, object) in objects(BODY_BYTES) {
        pairs.push(pair(name, body(json, &object_of_text(BODY_BYTES)), body(json, &object)));
    }
    for (name, part) in PARTS {
        pairs.push(pair(name, body(json, &credentials("a")), body(json, &credentials(part))));
    }
    for (name, part) in
        [("many fields", "a=&"), ("many different fields", ""), ("escapes", "%41"), ("plus", "+")]
    {
        let fields = if part.is_empty() { numbered("&", "=", BODY_BYTES) } else { repeat(part, BODY_BYTES) };
        pairs.push(pair(
            &format!("form of {name}"),
            body(form, &repeat("a", BODY_BYTES)),
            body(form, &fields),
        ));
    }
    for (name, object) in objects(TOKEN_BYTES / 4 * 3) {
        let token = |object: &str| {
            let token = format!("{}.e30.e30", URL_SAFE_NO_PAD.encode(object));
            header(&format!("Authorization: Bearer {token}"))
        };
        let plain = token(&object_of_text(TOKEN_BYTES / 4 * 3));
        pairs.push(pair(&format!("token header, {name}"), plain, token(&object)));
    }
    for (name, expensive) in headers() {
        let plain = header(&format!("X-Text: {}", "a".repeat(expensive.len())));
        pairs.push(pair(name, plain, header(&expensive)));
    }
    let query = |query: &str| request(method, &format!("{path}?{query}"), "").into_bytes();
    for (name, part) in [("query of many fields", "a=&"), ("query of escapes", "%41")] {
        pairs.push(pair(name, query(&repeat("a", 8_000)), query(&repeat(part, 8_000))));
    }
    pairs
}

fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

fn repeat(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

/// Different names, each followed by `end`, with `between` between them.
fn numbered(between: &str, end: &str, bytes: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        let _ = write!(text, "{number:x}{end}{between}");
        if text.len() + 16 > bytes {
            break;
        }
    }
    text
}

/// One member that is long.
fn object_of_text(bytes: usize) -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - 11))
}

/// Objects without the members that a route needs.
fn objects(bytes: usize) -> Vec<(&'static str, String)> {
    let around = |start: &str, inner: String, end: &str| format!("{start}{inner}{end}");
    let bytes = bytes - 64;
    vec![
        ("object of many members", around("{", numbered_members(bytes), "\"m\":0}")),
        ("object of many members with escapes", around("{", escaped_members(bytes), "\"m\":0}")),
        ("object of empty objects", around(r#"{"a":["#, repeat("{},", bytes), "0]}")),
        ("object of small objects", around(r#"{"a":["#, repeat(r#"{"b":1,"c":2},"#, bytes), "0]}")),
        ("object of escapes", around(r#"{"a":""#, repeat("\\u00e9", bytes), "\"}")),
        ("object of numbers", around(r#"{"a":["#, repeat("1e-9,", bytes), "0]}")),
        ("object of a long number", around(r#"{"a":"#, repeat("9", bytes), ".9e9}")),
        ("deep object", around(r#"{"a":"#, repeat("[", bytes), "")),
        ("deep members", repeat(r#"{"a":"#, bytes)),
        ("object with spaces", around("{", repeat(" \n\t\r", bytes), "}")),
        ("no JSON", repeat("\u{e9}", bytes)),
    ]
}

fn numbered_members(bytes: usize) -> String {
    let names = numbered(" ", "", bytes / 5 * 3);
    names.split_whitespace().fold(String::new(), |mut members, name| {
        let _ = write!(members, "\"{name}\":1,");
        members
    })
}

fn escaped_members(bytes: usize) -> String {
    (0..bytes / 12).fold(String::new(), |mut members, number| {
        let _ = write!(members, "\"\\u{number:04x}\":1,");
        members
    })
}

/// Parts of texts that are expensive to normalize or to fold.
const PARTS: [(&str, &str); 7] = [
    ("credentials of combining marks", "\u{316}\u{301}"),
    ("credentials of letters that fold to several", "\u{130}\u{df}"),
    ("credentials of composed letters", "\u{1e9b}\u{323}"),
    ("credentials of dots", "a."),
    ("credentials of at signs", "a@"),
    ("credentials of encoded labels", "xn--a."),
    ("credentials of white space", " \u{a0}"),
];

/// All members that a route may need, each too long.
fn credentials(part: &str) -> String {
    let text = part.repeat(3_000 / part.len());
    format!(
        r#"{{"email":"{text}@a.b","password":"{text}","current_password":"{text}","new_password":"{text}","refresh_token":"{text}"}}"#
    )
}

fn headers() -> Vec<(&'static str, String)> {
    let bytes = HEADER_BYTES;
    let lines = |name: &str, value: &str| {
        let line = format!("{name}: {value}\r\n");
        repeat(&line, bytes).trim_end().to_owned()
    };
    let names: String =
        numbered("\n", "", bytes / 8 * 3).split_whitespace().fold(String::new(), |mut names, name| {
            let _ = write!(names, "x-{name}: 1\r\n");
            names
        });
    vec![
        ("many different headers", names.trim_end().to_owned()),
        ("many equal headers", lines("X-A", "1")),
        ("many Authorization headers", lines("Authorization", "Bearer a")),
        ("many dots in a token", format!("Authorization: Bearer {}", repeat("a.", TOKEN_BYTES))),
        ("spaces in a token", format!("Authorization: Bearer {}a", repeat(" ", bytes))),
        (
            "Basic credentials",
            format!("Authorization: Basic {}", STANDARD.encode(repeat("a:", bytes / 4 * 3))),
        ),
        ("many Cookie headers", lines("Cookie", "a=b")),
        ("cookies", format!("Cookie: {}", repeat("a=b; ", bytes))),
        ("many forwarded addresses", format!("X-Forwarded-For: {}", repeat("127.0.0.1, ", bytes))),
        ("many X-Forwarded-For headers", lines("X-Forwarded-For", "127.0.0.1")),
        ("many accepted types", format!("Accept: {}", repeat("a/b;q=0,", bytes))),
        ("many entity tags", format!("If-None-Match: {}", repeat("\"a\",", bytes))),
        ("many ranges", format!("Range: bytes={}", repeat("0-1,", bytes))),
    ]
}
