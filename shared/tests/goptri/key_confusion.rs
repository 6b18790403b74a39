//! Keys of several types in one ring: each verifies only its own algorithm, and none serves as an HMAC secret.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use goptri::TokenError;
use goptri::keys::KeyRing;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::test_keys::{
    EACH_TYPE, ED25519, P256, P256_OTHER, RSA, jwk, kid_of, pairs, rejection, sign, unsigned,
};
use test_support::forge::{SECRET, base64url, claims, kid, ring, with};

/// One key of each type, and a secret.
fn ring_of_all() -> KeyRing {
    pairs(&[ED25519, P256, RSA].concat()).with_verifying_keys(ring(&[SECRET]).verifying_keys())
}

fn token(signed: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{signed}.{}", base64url(signature))
}

/// JV-03: each key has one algorithm. The `alg` of the token must equal it and selects nothing.
#[test]
fn a_key_verifies_only_its_own_algorithm() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        for (named_alg, named, _) in EACH_TYPE {
            // The `alg` of the signature, and the `alg` of the named key.
            for (says, right_key) in
                [(alg, TokenError::WrongAlgorithm), (named_alg, TokenError::BadSignature)]
            {
                let signed = unsigned(says, &kid_of(named));
                let expected = (alg != named_alg).then_some(right_key);
                let refused = rejection(&ring, &token(&signed, sign(alg, pem, &signed)));
                assert_eq!(refused, expected, "{alg} that says it is {says}, with the kid of {named_alg}");
            }
        }
        let signed = unsigned(alg, &kid(SECRET));
        let of_the_secret = token(&signed, sign(alg, pem, &signed));
        assert_eq!(rejection(&ring, &of_the_secret), Some(TokenError::WrongAlgorithm), "{alg} and a secret");
        let signed = unsigned("HS256", &kid(SECRET));
        let of_the_secret = token(&signed, sign(alg, pem, &signed));
        assert_eq!(rejection(&ring, &of_the_secret), Some(TokenError::BadSignature), "{alg} and a secret");
    }
}

/// JV-01, JV-03
#[test]
fn a_valid_signature_under_another_alg_is_rejected() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        for says in [
            "none", "None", "", "HS256", "HS384", "HS512", "RS256", "rs256", "RS384", "RS512", "PS256",
            "PS384", "ES256", "es256", "ES256K", "ES384", "ES512", "EdDSA", "eddsa", "EDDSA", "Ed25519",
            "Ed448",
        ] {
            let signed = unsigned(says, &kid_of(pem));
            let expected = (says != alg).then_some(TokenError::WrongAlgorithm);
            assert_eq!(
                rejection(&ring, &token(&signed, sign(alg, pem, &signed))),
                expected,
                "{alg} as {says}"
            );
        }
    }
    // Other signature algorithms of the same RSA key, and the `alg` in the token.
    for other in ["RS384", "RS512", "PS256"] {
        for (says, expected) in [(other, TokenError::WrongAlgorithm), ("RS256", TokenError::BadSignature)] {
            let signed = unsigned(says, &kid_of(RSA));
            let refused = rejection(&ring, &token(&signed, sign(other, RSA, &signed)));
            assert_eq!(refused, Some(expected), "{other} that says it is {says}");
        }
    }
}

/// JV-02, JV-03
#[test]
fn an_empty_signature_and_one_by_another_key_of_the_type_are_rejected() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        let signed = unsigned(alg, &kid_of(pem));
        let genuine = sign(alg, pem, &signed);
        let longer = [genuine.as_slice(), &[0]].concat();
        let zeros = vec![0; genuine.len()];
        for wrong in [&[][..], &[0], &genuine[1..], &genuine[..genuine.len() - 1], &longer, &zeros] {
            assert_eq!(rejection(&ring, &token(&signed, wrong)), Some(TokenError::BadSignature), "{alg}");
        }
    }
    let signed = unsigned("ES256", &kid_of(P256));
    let of_another = token(&signed, sign("ES256", P256_OTHER, &signed));
    assert_eq!(rejection(&ring, &of_another), Some(TokenError::BadSignature));
    let unknown = unsigned("ES256", &kid_of(P256_OTHER));
    let unknown = token(&unknown, sign("ES256", P256_OTHER, &unknown));
    assert_eq!(rejection(&ring, &unknown), Some(TokenError::UnknownKey));
}

/// Every encoding of this public key that could be mistaken for a secret.
fn forms(pem: &str, public_pem: &str) -> Vec<(&'static str, Vec<u8>)> {
    let body: String = public_pem.lines().filter(|line| !line.starts_with('-')).collect();
    let jwk = jwk(pem);
    let mut forms = vec![
        ("PEM", public_pem.into()),
        ("PEM without its last newline", public_pem.trim_end().into()),
        ("PEM with CRLF", public_pem.replace('\n', "\r\n").into()),
        ("the base64 of PEM", body.clone().into()),
        ("DER", STANDARD.decode(&body).unwrap()),
        ("JWK", jwk.to_string().into()),
        ("pretty JWK", serde_json::to_vec_pretty(&jwk).unwrap()),
        ("a set of one", json!({ "keys": [jwk] }).to_string().into()),
        ("kid", jwk["kid"].as_str().unwrap().into()),
        ("nothing", Vec::new()),
    ];
    for name in ["x", "y", "n", "e"] {
        if let Some(member) = jwk[name].as_str() {
            forms.push(("a member in base64url", member.into()));
            forms.push(("a member's bytes", URL_SAFE_NO_PAD.decode(member).unwrap()));
        }
    }
    if jwk["kty"] == "EC" {
        let [x, y] = ["x", "y"].map(|name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
        forms.push(("point", [&[4], x.as_slice(), y.as_slice()].concat()));
        forms.push(("compressed point", [&[2 + (y[31] & 1)], x.as_slice()].concat()));
    }
    if jwk["kty"] == "RSA" {
        forms.push(("PKCS#1", include_str!("test_keys/rsa_public_pkcs1.pem").into()));
    }
    forms
}

/// JV-04: a public key must not work as an HMAC secret.
#[test]
fn a_mac_whose_secret_is_a_public_key_is_rejected() {
    let only_pairs = pairs(&[ED25519, P256, RSA].concat());
    for ring in [only_pairs, ring_of_all()] {
        for (alg, pem, public_pem) in EACH_TYPE {
            for (form, bytes) in forms(pem, public_pem) {
                let key = EncodingKey::from_secret(&bytes);
                for (says, mac, expected) in [
                    ("HS256", Algorithm::HS256, TokenError::WrongAlgorithm),
                    ("HS384", Algorithm::HS384, TokenError::WrongAlgorithm),
                    ("HS512", Algorithm::HS512, TokenError::WrongAlgorithm),
                    (alg, Algorithm::HS256, TokenError::BadSignature),
                    (alg, Algorithm::HS512, TokenError::BadSignature),
                ] {
                    let signed = unsigned(says, &kid_of(pem));
                    let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, mac).unwrap();
                    let refused = rejection(&ring, &format!("{signed}.{mac}"));
                    assert_eq!(refused, Some(expected), "{form} of {alg}, as {says}");
                }
                // With the `kid` of the secret, and with the `kid` that a secret of these bytes would have.
                for name in
                    [kid(SECRET), String::from_utf8(bytes).map_or_else(|_| "?".into(), |text| kid_if(&text))]
                {
                    let signed = unsigned("HS256", &name);
                    let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
                    let refused = rejection(&ring, &format!("{signed}.{mac}"));
                    let known = [TokenError::BadSignature, TokenError::UnknownKey];
                    assert!(
                        refused.is_some_and(|refused| known.contains(&refused)),
                        "{form} of {alg}: {refused:?}"
                    );
                }
            }
        }
    }
}

/// The `kid` that these bytes would have as a secret.
fn kid_if(secret: &str) -> String {
    let plain = test_support::forge::plain(secret);
    KeyRing::from_secrets(&plain, &[])
        .map_or_else(|_| "?".to_owned(), |ring| ring.signing_key_name().kid.clone())
}

/// JV-05: a key in the header is not used, even if it signed the token.
#[test]
fn a_public_key_in_the_header_is_not_used() {
    let ring = pairs(&[ED25519, P256].concat());
    let brought = jwk(P256_OTHER);
    for (kid, expected) in [
        (json!(kid_of(P256)), TokenError::BadSignature),
        (json!(kid_of(P256_OTHER)), TokenError::UnknownKey),
        (Value::Null, TokenError::MissingKid),
    ] {
        for (member, value) in [
            ("jwk", brought.clone()),
            ("jku", json!("https://evil.example/jwks.json")),
            ("x5u", json!("https://evil.example/key.pem")),
            ("x5c", json!([STANDARD.encode("a certificate")])),
        ] {
            let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid });
            let header = with(header, member, value);
            let signed = [header, claims()].map(|part| base64url(part.to_string())).join(".");
            let refused = rejection(&ring, &token(&signed, sign("ES256", P256_OTHER, &signed)));
            assert_eq!(refused, Some(expected), "{member} with {kid}");
        }
    }
}

/// JV-06: a `kid` is compared byte by byte.
#[test]
fn a_kid_must_equal_the_thumbprint_exactly() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        let name = kid_of(pem);
        let jwk = jwk(pem);
        let near = [
            format!("{name} "),
            format!("{name}="),
            format!("{name}\0"),
            format!("../{name}"),
            name.to_lowercase(),
            name[1..].to_owned(),
            format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{name}"),
            STANDARD.encode(URL_SAFE_NO_PAD.decode(&name).unwrap()),
            jwk.to_string(),
            "0".to_owned(),
            String::new(),
        ];
        for near in near {
            let signed = unsigned(alg, &near);
            let refused = rejection(&ring, &token(&signed, sign(alg, pem, &signed)));
            assert_eq!(refused, Some(TokenError::UnknownKey), "{near:?}");
        }
    }
}
