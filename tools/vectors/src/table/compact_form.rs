//! The compact form: segments, strict base64url, length.

use goptri::TokenError;

use super::Cases;
use crate::mint::{base64url, claims, forge, good, header, seal};

pub(super) fn add(cases: &mut Cases) {
    segments(cases);
    encoding(cases);
    left_over_bits(cases);
    length(cases);
}

fn segments(cases: &mut Cases) {
    let good = good();
    let (input, mac) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    for (name, about, token) in [
        ("one_segment", "One segment.", header.to_owned()),
        ("two_segments", "Without the signature segment.", input.to_owned()),
        ("four_segments", "Four segments.", format!("{good}.{mac}")),
        (
            "five_segments",
            "Five segments, as an encrypted token has.",
            format!("{header}.{payload}.{payload}.{payload}.{mac}"),
        ),
        ("empty_fourth_segment", "A dot at the end.", format!("{good}.")),
        ("empty_first_segment", "A dot at the start.", format!(".{good}")),
        ("two_tokens", "Two tokens, joined by a comma.", format!("{good},{good}")),
        ("detached_payload", "A detached payload, in four segments.", format!("{header}..{payload}.{mac}")),
        (
            "json_serialization",
            "The JSON serialization of a JWS.",
            format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{mac}"}}"#),
        ),
        ("quoted", "The token in quotes.", format!("\"{good}\"")),
        ("nonsense", "No token at all.", "nonsense".to_owned()),
    ] {
        cases.reject(TokenError::NotCompact, name, about, token);
    }
    let about = "All segments are empty.";
    cases.reject(TokenError::Json("header"), "empty_segments", about, "..".into());
    let about = "An empty header under a valid MAC.";
    cases.reject(TokenError::Json("header"), "empty_header", about, seal("", payload));
    let about = "An empty payload under a valid MAC.";
    cases.reject(TokenError::Json("payload"), "empty_payload", about, seal(header, ""));
}

/// Header and payload are sealed with these bytes, so that only the encoding is wrong.
fn encoding(cases: &mut Cases) {
    let (header, payload) = (base64url(header().to_string()), base64url(claims().to_string()));
    for (form, about, change) in [
        ("padding", "Padding at its end.", (|text| format!("{text}=")) as fn(&str) -> String),
        ("two_paddings", "Two paddings at its end.", |text| format!("{text}==")),
        ("percent_encoding", "Percent-encoded padding.", |text| format!("{text}%3D")),
        ("plus", "A letter of the alphabet of plain base64.", |text| format!("+{text}")),
        ("slash", "A letter of the alphabet of plain base64.", |text| format!("/{text}")),
        ("tilde", "A letter of no alphabet.", |text| format!("{text}~")),
    ] {
        let good = good();
        let (input, mac) = good.rsplit_once('.').unwrap();
        for (segment, token) in [
            ("header", seal(&change(&header), &payload)),
            ("payload", seal(&header, &change(&payload))),
            ("signature", format!("{input}.{}", change(mac))),
        ] {
            let about = format!("The {segment} is not base64url. {about}");
            cases.reject(TokenError::NotCompact, format!("{segment}_{form}"), about, token);
        }
    }
}

/// A text and the same text with bits left over decode to the same bytes.
fn left_over_bits(cases: &mut Cases) {
    let (header, payload) =
        (base64url(with_bits(header().to_string())), base64url(with_bits(claims().to_string())));
    let untouched = seal(&header, &payload);
    cases.accept(
        "bits_left_over_are_zero",
        "Each segment ends with zero bits that are not used.",
        untouched.clone(),
    );
    for (segment, token) in [
        ("header", seal(&bump_last(&header), &payload)),
        ("payload", seal(&header, &bump_last(&payload))),
        ("signature", bump_last(&untouched)),
    ] {
        let about =
            format!("The {segment} ends with bits that are not zero: a second text for the same token.");
        cases.reject(TokenError::Base64, format!("{segment}_bits_left_over"), about, token);
    }
    let one_over = |segment: &str| segment[..segment.len() / 4 * 4 - 3].to_owned();
    let (input, mac) = untouched.rsplit_once('.').unwrap();
    for (segment, token) in [
        ("header", seal(&one_over(&header), &payload)),
        ("payload", seal(&header, &one_over(&payload))),
        ("signature", format!("{input}.{}", one_over(mac))),
    ] {
        let about = format!("The {segment} has a length that is impossible in base64.");
        cases.reject(TokenError::Base64, format!("{segment}_impossible_length"), about, token);
    }
}

/// Spaces at the end of JSON are allowed.
fn with_bits(mut json: String) -> String {
    while json.len().is_multiple_of(3) {
        json.push(' ');
    }
    json
}

/// Replaces the last character by the next one of the alphabet, which sets a bit that is left over.
fn bump_last(segment: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = segment.split_at(segment.len() - 1);
    format!("{rest}{}", &ALPHABET[ALPHABET.find(last).unwrap() + 1..][..1])
}

fn length(cases: &mut Cases) {
    cases.accept("length_8192", "The longest token: 8192 bytes.", of_length(8_192));
    let about = "One byte more than the longest token.";
    cases.reject(TokenError::TooLong, "length_8193", about, of_length(8_193));
}

/// A valid token of this length, if there were no limit.
fn of_length(length: usize) -> String {
    let short = forge(header().to_string(), claims().with_text("pad", "").to_string()).len();
    let mut candidates = (0..3).flat_map(|spaces| (0..8).map(move |more| (spaces, more)));
    candidates
        .find_map(|(spaces, more)| {
            let pad = "x".repeat((length - short) * 3 / 4 - 6 + more);
            let header = header().to_string() + &" ".repeat(spaces);
            let token = forge(header, claims().with_text("pad", &pad).to_string());
            (token.len() == length).then_some(token)
        })
        .expect("every length is possible")
}
