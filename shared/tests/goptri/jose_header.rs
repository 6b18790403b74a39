//! The JOSE header: `typ` and `kid` are checked; keys in the header are ignored, and extensions rejected.

use goptri::TokenError;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use test_support::forge::SECRET;
use test_support::forge::{
    OTHER_SECRET, base64url, claims, header, kid, mac, rejection, with, with_header, without,
};

/// Members in which a sender could supply a key.
fn bringing_a_key(secret: &str) -> Value {
    let jwk =
        json!({ "kty": "oct", "alg": "HS256", "use": "sig", "k": base64url(secret), "kid": kid(secret) });
    json!({
        "jwk": jwk, "jku": "https://evil.example/jwks.json", "x5u": "file:///etc/passwd",
        "x5c": [base64url(secret)], "x5t": "AAAA", "x5t#S256": "AAAA",
    })
}

/// JV-05
#[test]
fn a_token_signed_by_a_key_in_its_own_header_is_rejected() {
    let table = [
        (Some(kid(SECRET)), TokenError::BadSignature),
        (Some(kid(OTHER_SECRET)), TokenError::UnknownKey),
        (Some("https://evil.example/jwks.json".to_owned()), TokenError::UnknownKey),
        (None, TokenError::MissingKid),
    ];
    for (names, expected) in table {
        for (member, value) in bringing_a_key(OTHER_SECRET).as_object().unwrap() {
            let header = with(with(header(), "kid", names.clone()), member, value.clone());
            let signed = [header.clone(), claims()].map(|part| base64url(part.to_string())).join(".");
            let token = format!("{signed}.{}", mac(Algorithm::HS256, OTHER_SECRET, &signed));
            assert_eq!(rejection(&token), Some(expected), "{header}");
        }
    }
}

/// JV-05
#[test]
fn header_members_that_contain_a_key_are_ignored() {
    for (member, value) in bringing_a_key(OTHER_SECRET).as_object().unwrap() {
        for value in [value.clone(), json!(7), json!(null), json!({})] {
            assert_eq!(
                rejection(&with_header(&with(header(), member, value.clone()))),
                None,
                "{member}: {value}"
            );
        }
    }
}

/// JV-06
#[test]
fn a_kid_must_equal_the_name_of_a_known_key_exactly() {
    let ours = kid(SECRET);
    let near = [
        format!("{ours} "),
        format!(" {ours}"),
        format!("{ours}\0"),
        format!("./{ours}"),
        format!("{ours},{ours}"),
    ];
    let far = [
        "",
        " ",
        "0",
        "/dev/null",
        "../../../../dev/null",
        "file:///dev/null",
        "https://evil.example/key",
        "' OR '1'='1",
        "x' UNION SELECT 'secret",
        "*)(uid=*",
        "$(id)",
        "key\r\nX: y",
        "\u{0}",
        "\u{fffd}",
        "__proto__",
        "null",
        "undefined",
    ];
    let cut = [&ours[1..], &ours[..ours.len() - 1]];
    let cases = [ours.to_uppercase(), ours.to_lowercase()];
    for name in near.iter().map(String::as_str).chain(far).chain(cut).chain(cases.iter().map(String::as_str))
    {
        assert_eq!(
            rejection(&with_header(&with(header(), "kid", name))),
            Some(TokenError::UnknownKey),
            "{name:?}"
        );
    }
    assert_eq!(rejection(&with_header(&with(header(), "kid", ours))), None);
}

/// JV-06
#[test]
fn a_header_without_a_kid_is_rejected() {
    for header in [without(header(), "kid"), with(header(), "kid", json!(null))] {
        assert_eq!(rejection(&with_header(&header)), Some(TokenError::MissingKid), "{header}");
    }
    for name in [json!(0), json!(true), json!([kid(SECRET)]), json!({ "kid": kid(SECRET) })] {
        assert_eq!(
            rejection(&with_header(&with(header(), "kid", name.clone()))),
            Some(TokenError::Json("header")),
            "{name}"
        );
    }
}

/// JV-07, JV-22
#[test]
fn a_header_with_crit_or_another_extension_is_rejected() {
    let anything = [
        json!(["exp"]),
        json!(["b64"]),
        json!(["made-up"]),
        json!([]),
        json!(null),
        json!("exp"),
        json!(false),
        json!({}),
    ];
    for member in ["crit", "zip", "enc"] {
        for value in anything.iter().cloned().chain([json!("DEF"), json!("A128GCM")]) {
            let header = with(with(header(), "b64", false), member, value);
            assert_eq!(rejection(&with_header(&header)), Some(TokenError::Extension), "{header}");
        }
    }
}

/// JV-22
#[test]
fn a_pbes2_iteration_count_in_the_header_costs_no_time() {
    let rounds = with(header(), "p2c", u64::MAX);
    assert_eq!(rejection(&with_header(&rounds)), None);
    let password = with(rounds, "alg", "PBES2-HS256+A128KW");
    assert_eq!(rejection(&with_header(&password)), Some(TokenError::WrongAlgorithm));
}

/// JV-12
#[test]
fn typ_is_case_insensitive_with_an_optional_application_prefix() {
    for typ in
        ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/AT+JWT", "Application/at+JWT"]
    {
        assert_eq!(rejection(&with_header(&with(header(), "typ", typ))), None, "{typ}");
    }
    let others = [
        "",
        "JWT",
        "jwt",
        "application/jwt",
        "rt+jwt",
        "application/rt+jwt",
        "logout+jwt",
        "secevent+jwt",
        "id+jwt",
        "dpop+jwt",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt\0",
        "at+jwt;charset=utf-8",
        "x/at+jwt",
        "application/",
        "application/application/at+jwt",
        "application//at+jwt",
        "at+jwts",
        "aat+jwt",
        "at jwt",
        "\u{2c65}t+jwt",
        "applicati\u{f6}n/at+jwt",
    ];
    for typ in others {
        assert_eq!(
            rejection(&with_header(&with(header(), "typ", typ))),
            Some(TokenError::WrongType),
            "{typ:?}"
        );
    }
    for header in [without(header(), "typ"), with(header(), "typ", json!(null))] {
        assert_eq!(rejection(&with_header(&header)), Some(TokenError::WrongType), "{header}");
    }
    for typ in [json!(1), json!(true), json!(["at+jwt"]), json!({ "typ": "at+jwt" })] {
        assert_eq!(
            rejection(&with_header(&with(header(), "typ", typ.clone()))),
            Some(TokenError::Json("header")),
            "{typ}"
        );
    }
}

/// Unknown members are harmless, because the signature covers the header as sent.
#[test]
fn unknown_members_of_a_header_are_ignored() {
    assert_eq!(rejection(&with_header(&with(header(), "made-up", json!({ "a": [1, 2] })))), None);
}
