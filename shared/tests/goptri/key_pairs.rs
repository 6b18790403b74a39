//! Key pairs: the private key signs, the public key verifies, and the `kid` is derived from the key.

use goptri::keys::Jwks;
use goptri::token::{TokenType, UnverifiedJws};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::test_keys::{EACH_TYPE, ED25519, P256, P256_OTHER, RSA, jwk, jwks, kid_of, pairs, rejection};
use test_support::forge::{OTHER_SECRET, SECRET, base64url, claims, good, kid, ring};

/// The private key of RFC 8037, appendix A.1, in PKCS#8.
const OF_RFC_8037: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

fn header(token: &str) -> Value {
    serde_json::from_str(UnverifiedJws::parse(token).unwrap().header_json()).unwrap()
}

#[test]
fn a_private_key_signs_and_its_public_key_alone_verifies() {
    for (alg, pem, _) in EACH_TYPE {
        let ring = pairs(pem);
        let token = ring.sign(TokenType::Access, &claims()).unwrap();
        assert_eq!(header(&token), json!({ "typ": "at+jwt", "alg": alg, "kid": kid_of(pem) }));
        assert_eq!(
            (ring.signing_key_name().alg, ring.signing_key_name().kid.as_str()),
            (alg, kid_of(pem).as_str())
        );
        assert_eq!(rejection(&ring, &token), None, "{alg}");

        let (public, left_out) = Jwks::parse(jwks(&[pem]).as_bytes()).unwrap();
        assert_eq!((public.len(), left_out), (1, vec![]), "{alg}");
        let opened: Value = public.verify(TokenType::Access, &token).unwrap();
        assert_eq!(opened, claims(), "{alg}");
    }
}

/// Signing and verifying use one library and could share an error, so OpenSSL signed this token.
#[test]
fn a_token_that_openssl_signed_is_accepted() {
    let tokens: Vec<&str> = include_str!("test_keys/signed_by_openssl.txt").lines().collect();
    assert_eq!(tokens.len(), EACH_TYPE.len());
    for ((alg, pem, _), token) in EACH_TYPE.into_iter().zip(tokens) {
        assert_eq!(header(token)["alg"], alg);
        assert_eq!(rejection(&pairs(pem), token), None, "{alg}");
    }
}

/// The keys and thumbprints of RFC 7638 §3.1 (RSA), RFC 8037 A.3 (Ed25519) and RFC 9449 §6.1 (P-256).
#[test]
fn a_key_without_a_kid_is_named_by_its_thumbprint() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let (x, y) =
        ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
    let table = [
        (json!({ "kty": "RSA", "n": n, "e": "AQAB" }), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
        (
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ),
    ];
    for (jwk, thumbprint) in table {
        let (keys, left_out) = Jwks::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        assert_eq!(left_out, []);
        assert_eq!(keys.names().map(|name| name.kid.clone()).collect::<Vec<_>>(), [thumbprint]);
    }
    assert_eq!(kid_of(OF_RFC_8037), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn signer_and_verifier_name_a_key_alike() {
    for pem in [ED25519, P256, P256_OTHER, RSA, OF_RFC_8037] {
        let published = jwk(pem);
        let members: &[&str] = match published["kty"].as_str().unwrap() {
            "OKP" => &["crv", "kty", "x"],
            "EC" => &["crv", "kty", "x", "y"],
            _ => &["e", "kty", "n"],
        };
        let joined = members.iter().map(|name| format!("\"{name}\":{}", published[name]));
        let text = format!("{{{}}}", joined.collect::<Vec<_>>().join(","));
        let thumbprint = base64url(Sha256::digest(text));
        assert_eq!((kid_of(pem), published["kid"].as_str()), (thumbprint.clone(), Some(thumbprint.as_str())));
    }
}

#[test]
fn of_several_pem_blocks_the_first_signs_and_all_verify() {
    let blocks = [ED25519, P256, RSA, P256_OTHER];
    for first in 0..blocks.len() {
        let order: Vec<&str> = (0..blocks.len()).map(|at| blocks[(first + at) % blocks.len()]).collect();
        // Text around the blocks is explanatory (RFC 7468 §2).
        for pem in [order.concat(), order.join("\n\n# the next one\n"), order.concat().replace('\n', "\r\n")]
        {
            let ring = pairs(&pem);
            assert_eq!(ring.signing_key_name().kid, kid_of(blocks[first]));
            let names: Vec<String> = ring.verifying_keys().names().map(|name| name.kid.clone()).collect();
            assert_eq!(names, order.iter().map(|pem| kid_of(pem)).collect::<Vec<_>>());
            let signed = ring.sign(TokenType::Access, &claims()).unwrap();
            assert_eq!(rejection(&pairs(blocks[first]), &signed), None, "another signed than is named");
            for block in blocks {
                let token = pairs(block).sign(TokenType::Access, &claims()).unwrap();
                assert_eq!(rejection(&ring, &token), None, "{:?}", pairs(block).signing_key_name());
            }
        }
    }
}

/// A migration from a secret to a key pair and back.
#[test]
fn key_pairs_and_secrets_verify_side_by_side() {
    let secrets = ring(&[SECRET, OTHER_SECRET]);
    let both = pairs(ED25519).with_verifying_keys(secrets.verifying_keys());
    assert_eq!(both.signing_key_name().kid, kid_of(ED25519));
    assert_eq!(both.verifying_keys().len(), 3);
    let of_the_pair = both.sign(TokenType::Access, &claims()).unwrap();
    let of_other_secret = ring(&[OTHER_SECRET]).sign(TokenType::Access, &claims()).unwrap();
    for token in [&of_the_pair, &good(), &of_other_secret] {
        assert_eq!(rejection(&both, token), None);
    }
    // A key in both rings counts once, as in the first ring.
    let again = both.clone().with_verifying_keys(both.verifying_keys());
    assert_eq!((again.verifying_keys().len(), &again), (3, &both));
    let names: Vec<String> = both.verifying_keys().names().map(|name| name.kid.clone()).collect();
    assert_eq!(names, [kid_of(ED25519), kid(SECRET), kid(OTHER_SECRET)]);
}

#[test]
fn two_key_rings_with_the_same_keys_and_the_same_signing_key_are_equal() {
    let [one, other] = [[ED25519, P256].concat(), [P256, ED25519].concat()].map(|pem| pairs(&pem));
    assert_eq!(one, pairs(&[ED25519, P256].concat()));
    for different in [&other, &pairs(ED25519), &pairs(RSA), &ring(&[SECRET])] {
        assert_ne!(&one, different);
    }
}
