//! Header and payload: one JSON object in UTF-8 each, strictly.

use goptri::TokenError;

use super::Cases;
use crate::mint::{claims, forge, header, with_claims};

pub(super) fn add(cases: &mut Cases) {
    for part in ["header", "payload"] {
        let json = if part == "header" { header() } else { claims() }.to_string();
        for (name, about, bytes) in not_json(&json) {
            let token = if part == "header" {
                forge(bytes, claims().to_string())
            } else {
                forge(header().to_string(), bytes)
            };
            let about = format!("The {part} is not one JSON object in UTF-8. {about}");
            cases.reject(TokenError::Json(part), format!("{part}_{name}"), about, token);
        }
    }
    nesting(cases);
}

/// Changes of a valid object.
fn not_json(json: &str) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let inside = &json[1..];
    let with = |member: &[u8]| [b"{", member, b",", inside.as_bytes()].concat();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| json.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    vec![
        ("bom", "It begins with a byte order mark.", format!("\u{feff}{json}").into()),
        ("utf_16", "UTF-16.", utf16(u16::to_be_bytes)),
        (
            "utf_16_with_bom",
            "UTF-16 with a byte order mark.",
            [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat(),
        ),
        ("invalid_utf_8", "A byte that is no UTF-8.", with(b"\"x\":\"\xff\"")),
        ("latin_1", "A letter in Latin-1.", with(b"\"x\":\"J\xfcrgen\"")),
        ("overlong_utf_8", "An overlong encoding of a slash.", with(b"\"x\":\"\xc0\xaf\"")),
        ("encoded_surrogate", "A surrogate encoded in UTF-8.", with(b"\"x\":\"\xed\xa0\x80\"")),
        ("cut_utf_8", "A character that is cut.", with(b"\"x\":\"\xe2\x82\"")),
        ("invalid_utf_8_in_a_name", "A name that is no UTF-8.", with(b"\"\xff\":1")),
        ("lone_high_surrogate", "An escaped surrogate without its second half.", with(br#""x":"\ud800""#)),
        ("lone_low_surrogate", "An escaped surrogate without its first half.", with(br#""x":"\udc00""#)),
        ("two_high_surrogates", "Two first halves of a surrogate pair.", with(br#""x":"\ud800\ud800""#)),
        ("lone_surrogate_in_a_name", "A name with an escaped surrogate.", with(br#""\ud800":1"#)),
        ("nul_in_a_string", "A zero byte in a string.", with(b"\"x\":\"\0\"")),
        ("line_break_in_a_string", "A line break in a string.", with(b"\"x\":\"a\nb\"")),
        ("unknown_escape", "An escape that JSON does not have.", with(br#""x":"\x41""#)),
        ("cut_escape", "An escape that is cut.", with(br#""x":"\u004""#)),
        ("nan", "NaN is no JSON.", with(br#""x":NaN"#)),
        ("infinity", "Infinity is no JSON.", with(br#""x":-Infinity"#)),
        ("leading_zero", "A number with a leading zero.", with(br#""x":01"#)),
        ("single_quotes", "Single quotes.", json.replace('"', "'").into()),
        ("bare_name", "A name without quotes.", with(br"x:1")),
        (
            "trailing_comma",
            "A comma after the last member.",
            format!("{},}}", &json[..json.len() - 1]).into(),
        ),
        ("trailing_comma_in_a_list", "A comma after the last element.", with(br#""x":[1,]"#)),
        ("comment", "A comment.", with(br#"/**/"x":1"#)),
        ("leading_space", "A space before the object.", format!(" {json}").into()),
        ("leading_line_break", "A line break before the object.", format!("\n{json}").into()),
        ("two_objects", "Two objects.", format!("{json}{json}").into()),
        ("text_behind", "A letter behind the object.", format!("{json}x").into()),
        ("nul_behind", "A zero byte behind the object.", format!("{json}\0").into()),
        ("cut", "The last brace is missing.", json[..json.len() - 1].into()),
        ("empty_object", "No members.", "{}".into()),
        ("list", "A list.", format!("[{json}]").into()),
        ("string", "A string.", serde_json::to_vec(json).unwrap()),
        ("null", "null.", "null".into()),
        ("number", "A number.", "7".into()),
    ]
}

fn nesting(cases: &mut Cases) {
    let deep = |depth: usize| with_claims(&claims().with("deep", "[".repeat(depth) + &"]".repeat(depth)));
    cases.accept("nesting_100", "A list in a list, 100 times.", deep(100));
    let about = "More nesting than any parser should follow: 128 levels are the most.";
    cases.reject(TokenError::Json("payload"), "nesting_200", about, deep(200));
    cases.reject(TokenError::Json("payload"), "nesting_2000", about, deep(2_000));
    let objects = with_claims(&claims().with("deep", "{\"a\":".repeat(300) + "1" + &"}".repeat(300)));
    let about = "Nested objects are members too.";
    cases.reject(TokenError::TooManyMembers("payload"), "nesting_300_objects", about, objects);
}
