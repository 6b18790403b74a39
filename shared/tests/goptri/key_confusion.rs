//! Keys of several types in one ring: each verifies what it was made for, and none is taken for another, for a secret, or for
//! something to look up.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use goptri::TokenError;
use goptri::keys::KeyRing;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::test_keys::{
    EACH_TYPE, ED25519, P256, P256_OTHER, RSA, jwk, kid_of, pairs, refusal, sign, unsigned,
};
use test_support::forge::{SECRET, base64url, claims, kid, ring, with};

/// One key of each type, and a secret.
fn ring_of_all() -> KeyRing {
    pairs(&[ED25519, P256, RSA].concat()).also_verifying(ring(&[SECRET]).verifying())
}

fn token(signed: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{signed}.{}", base64url(signature))
}

/// JV-03: one algorithm a key. What the token says is compared with it, and chooses nothing.
#[test]
fn a_key_verifies_nothing_but_its_own_algorithm() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        for (named_alg, named, _) in EACH_TYPE {
            // As its signer says, and as the key that it names would have it.
            for (says, right_key) in
                [(alg, TokenError::WrongAlgorithm), (named_alg, TokenError::BadSignature)]
            {
                let signed = unsigned(says, &kid_of(named));
                let expected = (alg != named_alg).then_some(right_key);
                let refused = refusal(&ring, &token(&signed, sign(alg, pem, &signed)));
                assert_eq!(refused, expected, "{alg} that says it is {says}, with the kid of {named_alg}");
            }
        }
        let signed = unsigned(alg, &kid(SECRET));
        let of_the_secret = token(&signed, sign(alg, pem, &signed));
        assert_eq!(refusal(&ring, &of_the_secret), Some(TokenError::WrongAlgorithm), "{alg} and a secret");
        let signed = unsigned("HS256", &kid(SECRET));
        let of_the_secret = token(&signed, sign(alg, pem, &signed));
        assert_eq!(refusal(&ring, &of_the_secret), Some(TokenError::BadSignature), "{alg} and a secret");
    }
}

/// JV-01, JV-03
#[test]
fn a_genuine_signature_under_another_name_is_refused() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        for says in [
            "none", "None", "", "HS256", "HS384", "HS512", "RS256", "rs256", "RS384", "RS512", "PS256",
            "PS384", "ES256", "es256", "ES256K", "ES384", "ES512", "EdDSA", "eddsa", "EDDSA", "Ed25519",
            "Ed448",
        ] {
            let signed = unsigned(says, &kid_of(pem));
            let expected = (says != alg).then_some(TokenError::WrongAlgorithm);
            assert_eq!(refusal(&ring, &token(&signed, sign(alg, pem, &signed))), expected, "{alg} as {says}");
        }
    }
    // What the same RSA key can do as well, and what the token may say of it.
    for other in ["RS384", "RS512", "PS256"] {
        for (says, expected) in [(other, TokenError::WrongAlgorithm), ("RS256", TokenError::BadSignature)] {
            let signed = unsigned(says, &kid_of(RSA));
            let refused = refusal(&ring, &token(&signed, sign(other, RSA, &signed)));
            assert_eq!(refused, Some(expected), "{other} that says it is {says}");
        }
    }
}

/// JV-02, JV-03
#[test]
fn no_signature_and_a_signature_of_another_key_of_the_type_are_refused() {
    let ring = ring_of_all();
    for (alg, pem, _) in EACH_TYPE {
        let signed = unsigned(alg, &kid_of(pem));
        let genuine = sign(alg, pem, &signed);
        let longer = [genuine.as_slice(), &[0]].concat();
        let zeros = vec![0; genuine.len()];
        for wrong in [&[][..], &[0], &genuine[1..], &genuine[..genuine.len() - 1], &longer, &zeros] {
            assert_eq!(refusal(&ring, &token(&signed, wrong)), Some(TokenError::BadSignature), "{alg}");
        }
    }
    let signed = unsigned("ES256", &kid_of(P256));
    let of_another = token(&signed, sign("ES256", P256_OTHER, &signed));
    assert_eq!(refusal(&ring, &of_another), Some(TokenError::BadSignature));
    let unknown = unsigned("ES256", &kid_of(P256_OTHER));
    let unknown = token(&unknown, sign("ES256", P256_OTHER, &unknown));
    assert_eq!(refusal(&ring, &unknown), Some(TokenError::UnknownKey));
}

/// All that somebody could take for the bytes of this public key.
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

/// JV-04: what everybody may have is no secret.
#[test]
fn a_token_maced_with_a_public_key_is_refused() {
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
                    let refused = refusal(&ring, &format!("{signed}.{mac}"));
                    assert_eq!(refused, Some(expected), "{form} of {alg}, as {says}");
                }
                // Under the name of the secret, and under that which a secret of these bytes would have.
                for name in
                    [kid(SECRET), String::from_utf8(bytes).map_or_else(|_| "?".into(), |text| kid_if(&text))]
                {
                    let signed = unsigned("HS256", &name);
                    let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
                    let refused = refusal(&ring, &format!("{signed}.{mac}"));
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

/// What a ring would call that secret, were it one.
fn kid_if(secret: &str) -> String {
    let plain = test_support::forge::plain(secret);
    KeyRing::from_secrets(&plain, &[])
        .map_or_else(|_| "?".to_owned(), |ring| ring.signing_key_name().kid.clone())
}

/// JV-05: a header brings no key, also when it is the one that signed.
#[test]
fn a_public_key_that_a_token_brings_along_is_not_used() {
    let ring = pairs(&[ED25519, P256].concat());
    let brought = jwk(P256_OTHER);
    for (kid, expected) in [
        (json!(kid_of(P256)), TokenError::BadSignature),
        (json!(kid_of(P256_OTHER)), TokenError::UnknownKey),
        (Value::Null, TokenError::NoKey),
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
            let refused = refusal(&ring, &token(&signed, sign("ES256", P256_OTHER, &signed)));
            assert_eq!(refused, Some(expected), "{member} with {kid}");
        }
    }
}

/// JV-06: a thumbprint is a name like any other, and is compared letter by letter.
#[test]
fn only_the_exact_thumbprint_finds_a_key() {
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
            let refused = refusal(&ring, &token(&signed, sign(alg, pem, &signed)));
            assert_eq!(refused, Some(TokenError::UnknownKey), "{near:?}");
        }
    }
}
