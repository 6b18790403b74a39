//! Signatures that are missing, cut, longer, of other bytes, or of another form.

use std::fmt::Write;

use goptri::TokenError;

use super::Cases;
use crate::keys::{self, ED25519, FOREIGN_P256, P256, RSA, SECRET};
use crate::mint::{base64url, claims, good, header, header_of, signed, signing_input, with_header};
use crate::signature::{P256_ORDER, sign, twin};

/// The order of Ed25519 (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn add(cases: &mut Cases) {
    none(cases);
    hs256(cases);
    each_pair(cases);
    es256(cases);
    ed25519(cases);
    rs256(cases);
}

fn none(cases: &mut Cases) {
    for (name, alg) in
        [("none", "none"), ("none_title", "None"), ("none_upper", "NONE"), ("none_mixed", "nOnE")]
    {
        let header = header().with_text("alg", alg);
        let about = format!("alg is {alg}, without a signature.");
        let input = signing_input(header.to_string(), claims().to_string());
        cases.reject(TokenError::WrongAlgorithm, name, about, format!("{input}."));
        let about = format!("alg is {alg}, with the right MAC.");
        cases.reject(TokenError::WrongAlgorithm, format!("{name}_with_mac"), about, with_header(&header));
    }
    let input = signing_input(header().with_text("alg", "none").to_string(), claims().to_string());
    let about = "alg is none, and there is no signature segment.";
    cases.reject(TokenError::NotCompact, "none_in_two_segments", about, input);
    let input = signing_input(r#"{"alg":"none","typ":"at+jwt"}"#, claims().to_string());
    let about = "alg is none, without kid.";
    cases.reject(TokenError::MissingKid, "none_without_kid", about, format!("{input}."));
}

fn hs256(cases: &mut Cases) {
    let input = signing_input(header().to_string(), claims().to_string());
    let secret = SECRET.as_bytes();
    let mac = keys::mac("HS256", secret, &input);
    let mut flipped = mac.clone();
    flipped[31] ^= 1;
    let mut hex = String::new();
    for byte in &mac {
        write!(hex, "{byte:02x}").unwrap();
    }
    for (name, about, signature) in [
        ("mac_empty", "No signature.", vec![]),
        ("mac_zeros", "All bytes are zero.", vec![0; 32]),
        ("mac_one_bit", "One bit is flipped.", flipped),
        ("mac_half", "The first half of the MAC.", mac[..16].to_vec()),
        ("mac_one_byte_less", "The MAC without its last byte.", mac[..31].to_vec()),
        ("mac_one_byte_more", "The MAC and a byte.", [mac.as_slice(), &[0]].concat()),
        ("mac_twice", "The MAC twice.", [mac.as_slice(), &mac].concat()),
        ("mac_hs384", "HS384 by the right secret.", keys::mac("HS384", secret, &input)),
        ("mac_hs512", "HS512 by the right secret.", keys::mac("HS512", secret, &input)),
        ("mac_is_the_secret", "The secret itself as the signature.", secret.to_vec()),
        ("mac_in_hex", "The MAC in hexadecimal digits.", hex.into_bytes()),
    ] {
        cases.reject(TokenError::BadSignature, name, about, signed(&input, signature));
    }
    let other = signing_input(header().to_string(), claims().with("roles", r#"["admin"]"#).to_string());
    let about = "The claims were changed after signing.";
    cases.reject(TokenError::BadSignature, "claims_changed", about, signed(&other, &mac));
    let other = signing_input(header().with("more", "1").to_string(), claims().to_string());
    let about = "The header was changed after signing.";
    cases.reject(TokenError::BadSignature, "header_changed", about, signed(&other, &mac));
}

fn each_pair(cases: &mut Cases) {
    for (name, alg, key) in [("ed25519", "EdDSA", ED25519), ("p256", "ES256", P256), ("rsa", "RS256", RSA)] {
        let input = signing_input(header_of(alg, key).to_string(), claims().to_string());
        let genuine = sign(alg, key, &input);
        let last = genuine.len() - 1;
        let mut flipped = genuine.clone();
        flipped[last] ^= 1;
        for (what, about, signature) in [
            ("empty", "No signature.", vec![]),
            ("zeros", "All bytes are zero.", vec![0; genuine.len()]),
            ("one_bit", "One bit is flipped.", flipped),
            ("one_byte_less", "The signature without its last byte.", genuine[..last].to_vec()),
            ("first_byte_less", "The signature without its first byte.", genuine[1..].to_vec()),
            ("one_byte_more", "The signature and a byte.", [genuine.as_slice(), &[0]].concat()),
            ("zero_before", "A zero byte and the signature.", [&[0], genuine.as_slice()].concat()),
        ] {
            cases.reject(
                TokenError::BadSignature,
                format!("{name}_{what}"),
                about,
                signed(&input, signature),
            );
        }
        let other = signing_input(
            header_of(alg, key).to_string(),
            claims().with("roles", r#"["admin"]"#).to_string(),
        );
        let about = "The claims were changed after signing.";
        cases.reject(
            TokenError::BadSignature,
            format!("{name}_claims_changed"),
            about,
            signed(&other, &genuine),
        );
    }
}

fn es256(cases: &mut Cases) {
    let input = signing_input(header_of("ES256", P256).to_string(), claims().to_string());
    let one = sign("ES256", P256, &input);
    let other = twin(&one);
    // The smaller s is the one of the form (r, s) with s <= n / 2.
    let (low, high) = if one[32..] < other[32..] { (one, other) } else { (other, one) };
    let about = "Of both valid signatures, the one with the smaller s.";
    cases.accept("p256_low_s", about, signed(&input, &low));
    let about = "Of both valid signatures, the one with the greater s: the standard allows it.";
    cases.accept("p256_high_s", about, signed(&input, &high));
    let (r, s) = low.split_at(32);
    let about = "The signature in DER: a JWS has r and s in 64 bytes.";
    cases.reject(TokenError::BadSignature, "p256_der", about, signed(&input, der(r, s)));
    let about = "s and r are swapped.";
    cases.reject(TokenError::BadSignature, "p256_swapped", about, signed(&input, [s, r].concat()));
    let about = "s is the order of the curve, which is zero.";
    cases.reject(
        TokenError::BadSignature,
        "p256_s_is_the_order",
        about,
        signed(&input, [r, &P256_ORDER].concat()),
    );
    let about = "r and s are the order of the curve, which is zero.";
    let zero = [P256_ORDER, P256_ORDER].concat();
    cases.reject(TokenError::BadSignature, "p256_both_are_the_order", about, signed(&input, zero));
    let about = "Signed by another P-256 key.";
    let foreign = sign("ES256", FOREIGN_P256, &input);
    cases.reject(TokenError::BadSignature, "p256_of_another_key", about, signed(&input, foreign));
    let unknown = signing_input(header_of("ES256", FOREIGN_P256).to_string(), claims().to_string());
    let about = "Signed by a key that is not published, under its own kid.";
    let foreign = sign("ES256", FOREIGN_P256, &unknown);
    cases.reject(TokenError::UnknownKey, "p256_unknown_key", about, signed(&unknown, foreign));
    for alg in ["ES384", "ES256K", "es256"] {
        let input = signing_input(header_of(alg, P256).to_string(), claims().to_string());
        let about = format!("Signed with ES256, but alg is {alg}.");
        let token = signed(&input, sign("ES256", P256, &input));
        cases.reject(TokenError::WrongAlgorithm, format!("p256_says_{}", alg.to_lowercase()), about, token);
    }
}

fn ed25519(cases: &mut Cases) {
    let input = signing_input(header_of("EdDSA", ED25519).to_string(), claims().to_string());
    let genuine = sign("EdDSA", ED25519, &input);
    let (point, scalar) = genuine.split_at(32);
    let mut carry = 0;
    let sum: Vec<u8> = scalar
        .iter()
        .zip(ED25519_ORDER)
        .map(|(byte, order)| {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect();
    let about = "The scalar plus the order of the curve: RFC 8032 requires the smaller one.";
    let token = signed(&input, [point, &sum].concat());
    cases.reject(TokenError::BadSignature, "ed25519_scalar_plus_order", about, token);
    for alg in ["Ed25519", "eddsa", "Ed448"] {
        let input = signing_input(header_of(alg, ED25519).to_string(), claims().to_string());
        let about = format!("Signed with EdDSA, but alg is {alg}.");
        let token = signed(&input, sign("EdDSA", ED25519, &input));
        cases.reject(
            TokenError::WrongAlgorithm,
            format!("ed25519_says_{}", alg.to_lowercase()),
            about,
            token,
        );
    }
}

fn rs256(cases: &mut Cases) {
    for alg in ["RS384", "RS512"] {
        for (says, error) in [("RS256", TokenError::BadSignature), (alg, TokenError::WrongAlgorithm)] {
            let input = signing_input(header_of(says, RSA).to_string(), claims().to_string());
            let about = format!("Signed with {alg}, and alg is {says}.");
            let token = signed(&input, sign(alg, RSA, &input));
            cases.reject(error, format!("rsa_{alg}_says_{says}").to_lowercase(), about, token);
        }
    }
    for alg in ["PS256", "rs256"] {
        let input = signing_input(header_of(alg, RSA).to_string(), claims().to_string());
        let about = format!("Signed with RS256, but alg is {alg}.");
        let token = signed(&input, sign("RS256", RSA, &input));
        cases.reject(TokenError::WrongAlgorithm, format!("rsa_says_{}", alg.to_lowercase()), about, token);
    }
    let segment = good().rsplit_once('.').unwrap().1.to_owned();
    let input = signing_input(header_of("RS256", RSA).to_string(), claims().to_string());
    let about = "The MAC of another token as the RSA signature.";
    cases.reject(TokenError::BadSignature, "rsa_with_a_mac", about, format!("{input}.{segment}"));
    let one = base64url([vec![0; 255], vec![1]].concat());
    let about = "The number 1 as the RSA signature.";
    cases.reject(TokenError::BadSignature, "rsa_one", about, format!("{input}.{one}"));
}

/// SEQUENCE of two INTEGERs.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len() - 1);
        let zero: &[u8] = if number[start] >= 0x80 { &[0] } else { &[] };
        let bytes = [zero, &number[start..]].concat();
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let content = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
}
