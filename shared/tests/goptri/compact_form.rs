//! A token has exactly one valid encoding. Every other text is rejected before it is decoded further.

use goptri::TokenError;
use goptri::token::{MAX_TOKEN_BYTES, UnverifiedJws};
use serde_json::json;

use test_support::forge::{base64url, claims, forge, good, header, rejection, seal, token, with};

/// Replaces the last character of a segment by the next one of the base64url alphabet, which sets a trailing bit.
fn bump_last(segment: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = segment.split_at(segment.len() - 1);
    format!("{rest}{}", &ALPHABET[ALPHABET.find(last).unwrap() + 1..][..1])
}

/// The object as JSON, padded with spaces until its base64 has trailing bits.
fn with_bits_left_over(object: &serde_json::Value) -> String {
    let mut json = object.to_string();
    while json.len().is_multiple_of(3) {
        json.push(' ');
    }
    json
}

/// JV-08
#[test]
fn a_byte_outside_the_alphabet_is_rejected_at_every_position() {
    let good = good();
    let dots: Vec<usize> = good.match_indices('.').map(|(at, _)| at).collect();
    let places = [0, 1, dots[0], dots[0] + 1, dots[0] + 9, dots[1], dots[1] + 1, good.len() - 1, good.len()];
    let outside = (0..=255).map(char::from).filter(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(*c));
    for strange in outside.chain(['\u{feff}', '\u{200b}', '\u{2024}', '\u{ff0e}', '\u{1f600}']) {
        for place in places {
            let token = format!("{}{strange}{}", &good[..place], &good[place..]);
            assert_eq!(rejection(&token), Some(TokenError::NotCompact), "{strange:?} at {place}");
        }
    }
}

/// JV-08
#[test]
fn a_token_has_three_segments() {
    let good = good();
    let (signed, mac) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let table = [
        String::new(),
        ".".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        signed.to_owned(),
        format!("{good}."),
        format!(".{good}"),
        format!("{header}..{payload}.{mac}"),
        format!("{signed}.{mac}.{mac}"),
        format!("{header}.{header}.{payload}.{payload}.{mac}"),
        format!("{header}....{mac}"),
        format!("{good}.{good}"),
    ];
    for token in table {
        assert_eq!(rejection(&token), Some(TokenError::NotCompact), "{token}");
    }
    assert_eq!(rejection(".."), Some(TokenError::Json("header")));
    assert_eq!(rejection(&seal("", payload)), Some(TokenError::Json("header")));
    assert_eq!(rejection(&seal(header, "")), Some(TokenError::Json("payload")));
    assert_eq!(rejection(&format!("{signed}.")), Some(TokenError::BadSignature));
}

/// JV-08
#[test]
fn the_json_serialization_is_rejected() {
    let good = good();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three segments")
    };
    let flat = json!({ "protected": header, "payload": payload, "signature": signature });
    let general =
        json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] });
    for token in [flat.to_string(), general.to_string(), json!(good).to_string(), json!([good]).to_string()] {
        assert_eq!(rejection(&token), Some(TokenError::NotCompact), "{token}");
    }
}

/// JV-08
#[test]
fn a_token_of_8_kib_is_accepted_and_one_byte_more_is_rejected() {
    let of_length = |length: usize| {
        let short = token(&header(), &with(claims(), "pad", "")).len();
        (0..3).flat_map(|spaces| (0..8).map(move |more| (spaces, more))).find_map(|(spaces, more)| {
            let pad = "x".repeat((length - short) * 3 / 4 - 6 + more);
            let token =
                forge(header().to_string() + &" ".repeat(spaces), with(claims(), "pad", pad).to_string());
            (token.len() == length).then_some(token)
        })
    };
    assert_eq!(MAX_TOKEN_BYTES, 8192);
    assert_eq!(rejection(&of_length(8192).unwrap()), None);
    assert_eq!(rejection(&of_length(8193).unwrap()), Some(TokenError::TooLong));
    assert_eq!(rejection(&".".repeat(1 << 20)), Some(TokenError::TooLong));
}

/// JV-09
#[test]
fn padding_and_the_standard_base64_alphabet_are_rejected_in_each_segment() {
    let good = good();
    for segment in 0..3 {
        for (from, to) in [("", "="), ("", "=="), ("", " "), ("", "\n"), ("", "%3D"), ("-", "+"), ("_", "/")]
        {
            let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
            parts[segment] =
                if from.is_empty() { parts[segment].clone() + to } else { to.to_owned() + &parts[segment] };
            assert_eq!(
                rejection(&parts.join(".")),
                Some(TokenError::NotCompact),
                "{to:?} in segment {segment}"
            );
        }
    }
}

/// JV-09, JV-28
#[test]
fn nonzero_trailing_bits_of_a_segment_are_rejected_even_under_a_valid_mac() {
    let (header, payload) =
        (base64url(with_bits_left_over(&header())), base64url(with_bits_left_over(&claims())));
    let untouched = seal(&header, &payload);
    assert_eq!(rejection(&untouched), None);
    let table = [
        ("header", seal(&bump_last(&header), &payload)),
        ("payload", seal(&header, &bump_last(&payload))),
        ("signature", bump_last(&untouched)),
    ];
    for (segment, token) in table {
        assert_eq!(rejection(&token), Some(TokenError::Base64), "{segment}");
    }
}

/// JV-09
#[test]
fn a_segment_of_a_length_impossible_in_base64_is_rejected() {
    let (header, payload) = (base64url(header().to_string() + "  "), base64url(claims().to_string()));
    let one_over = |segment: &str| segment[..segment.len() / 4 * 4 - 3].to_owned();
    assert_eq!(rejection(&seal(&one_over(&header), &payload)), Some(TokenError::Base64));
    assert_eq!(rejection(&seal(&header, &one_over(&payload))), Some(TokenError::Base64));
    let good = good();
    let (signed, mac) = good.rsplit_once('.').unwrap();
    assert_eq!(rejection(&format!("{signed}.{}", one_over(mac))), Some(TokenError::Base64));
}

/// JV-10
#[test]
fn header_and_payload_are_one_json_object_in_utf_8() {
    for part in ["header", "payload"] {
        let json = if part == "header" { header() } else { claims() }.to_string();
        let utf16 = |bytes: fn(u16) -> [u8; 2]| json.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let array = if part == "header" {
            json!(["HS256", "at+jwt", "x"])
        } else {
            json!(["https://auth.example", "x", "y", 1, 2])
        };
        let wrong: Vec<Vec<u8>> = vec![
            format!("\u{feff}{json}").into(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat(),
            [b"{\"x\":\"\xff\",", &json.as_bytes()[1..]].concat(),
            [b"{\"x\":\"\xc0\xaf\",", &json.as_bytes()[1..]].concat(),
            [b"{\"x\":\"\xed\xa0\x80\",", &json.as_bytes()[1..]].concat(),
            [b"{\"\xff\":1,", &json.as_bytes()[1..]].concat(),
            [b"{\"x\":\"\\ud800\",", &json.as_bytes()[1..]].concat(),
            [b"{\"x\":\"\0\",", &json.as_bytes()[1..]].concat(),
            format!(" {json}").into(),
            format!("\n{json}").into(),
            format!("{json}{json}").into(),
            format!("{json}x").into(),
            format!("{json}\0").into(),
            format!("/**/{json}").into(),
            json[..json.len() - 1].into(),
            json.replace('"', "'").into(),
            json.replace('}', ",}").into(),
            [b"{\"x\":NaN,", &json.as_bytes()[1..]].concat(),
            array.to_string().into(),
            json!(json).to_string().into(),
            "null".into(),
            "7".into(),
        ];
        for bytes in wrong {
            let (token, expected) = if part == "header" {
                (forge(&bytes, claims().to_string()), TokenError::Json("header"))
            } else {
                (forge(header().to_string(), &bytes), TokenError::Json("payload"))
            };
            assert_eq!(rejection(&token), Some(expected), "{part} {:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn a_parsed_token_returns_the_json_of_its_header_and_payload() {
    let good = good();
    let compact = UnverifiedJws::parse(&good).unwrap();
    assert_eq!(compact.header_json(), header().to_string());
    assert_eq!(compact.payload_json(), Ok(claims().to_string()));
    let array = forge(header().to_string(), "[]");
    assert_eq!(UnverifiedJws::parse(&array).unwrap().payload_json(), Err(TokenError::Json("payload")));
}
