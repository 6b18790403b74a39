//! Proof Key for Code Exchange.

use auth_domain::{CodeChallenge, CodeVerifier};
use goptri_settings::Plain;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn verifier(text: &str) -> Plain<CodeVerifier> {
    Plain::new(text.to_owned())
}

#[test]
fn the_verifier_of_the_rfc_matches_its_challenge() {
    let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
    assert!(challenge.matches(&verifier(VERIFIER)));
    assert_eq!(CodeChallenge::from_bytes(*challenge.as_bytes()), challenge);
}

/// PK-02: with the method `plain`, the challenge would be its own verifier.
#[test]
fn a_challenge_is_not_its_own_verifier() {
    assert!(!CodeChallenge::parse(CHALLENGE).unwrap().matches(&verifier(CHALLENGE)));
}

/// PK-03
#[test]
fn a_challenge_is_the_base64url_of_32_bytes_without_padding() {
    let padded = format!("{CHALLENGE}=");
    let longer = format!("{CHALLENGE}A");
    let plus = CHALLENGE.replace('-', "+");
    // The last character has two bits that must be zero.
    let trailing = CHALLENGE.replace("cM", "cN");
    for bad in
        ["", "a", &CHALLENGE[..42], &padded, &longer, &plus, &trailing, &"a".repeat(64), &"~".repeat(43)]
    {
        assert!(CodeChallenge::parse(bad).is_err(), "{bad}");
    }
}

/// PK-03: a verifier outside the grammar is refused, even if the digest matches.
#[test]
fn a_verifier_has_43_to_128_unreserved_characters() {
    use sha2::{Digest, Sha256};
    let unreserved = "abcXYZ019-._~".repeat(10);
    for (text, is_valid) in [
        (unreserved[..43].to_owned(), true),
        (unreserved[..128].to_owned(), true),
        (unreserved[..42].to_owned(), false),
        (unreserved[..129].to_owned(), false),
        (String::new(), false),
        (format!("{} ", &unreserved[..43]), false),
        (format!("{}+", &unreserved[..43]), false),
        (format!("{}\n", &unreserved[..43]), false),
        (format!("{}\u{e9}", &unreserved[..43]), false),
        (format!("{}%41", &unreserved[..43]), false),
    ] {
        let challenge = CodeChallenge::from_bytes(Sha256::digest(text.as_bytes()).into());
        assert_eq!(challenge.matches(&verifier(&text)), is_valid, "{text:?}");
    }
}

/// PK-04
#[test]
fn no_other_verifier_matches() {
    let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
    let (other, lower) = (VERIFIER.replace('d', "e"), VERIFIER.to_lowercase());
    let (longer, shorter) = (format!("{VERIFIER}A"), &VERIFIER[1..]);
    for text in [&other, &lower, &longer, shorter] {
        assert!(!challenge.matches(&verifier(text)), "{text}");
    }
}
