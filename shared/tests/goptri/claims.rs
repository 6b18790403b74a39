//! Required and optional claims of access tokens.

use goptri::TokenError;
use serde_json::{Value, json};

use test_support::forge::{
    AUDIENCE, ISSUED, ISSUER, NOW, USER, at, claims, forge, header, rejection, verifier, with, with_claims,
    with_raw, without,
};

const WRONG_TYPE: Option<TokenError> = Some(TokenError::Json("payload"));

fn rejection_with(member: &str, value: impl Into<Value>) -> Option<TokenError> {
    rejection(&with_claims(&with(claims(), member, value)))
}

/// JV-13
#[test]
fn the_issuer_is_compared_byte_by_byte() {
    let others = [
        "",
        "https://auth.exampl",
        "https://auth.example/",
        "https://auth.example.evil.example",
        "https://AUTH.example",
        "HTTPS://auth.example",
        "http://auth.example",
        "auth.example",
        "https://auth.example ",
        " https://auth.example",
        "https://auth.example:443",
        "https://user@auth.example",
        "https://auth.example?",
        "https://auth.example#",
        "https://auth.example\0",
        "https://evil.example/https://auth.example",
        "https://auth%2eexample",
        "https://\u{430}uth.example",
    ];
    for issuer in others {
        assert_eq!(rejection_with("iss", issuer), Some(TokenError::WrongIssuer), "{issuer:?}");
    }
    for issuer in
        [json!([ISSUER]), json!([ISSUER, "x"]), json!(null), json!(1), json!(true), json!({ "iss": ISSUER })]
    {
        assert_eq!(rejection_with("iss", issuer.clone()), WRONG_TYPE, "{issuer}");
    }
    assert_eq!(rejection_with("iss", ISSUER), None);
}

/// JV-14
#[test]
fn the_audience_names_this_service_exactly() {
    for audience in [
        json!(AUDIENCE),
        json!([AUDIENCE]),
        json!(["https://other.example", AUDIENCE]),
        json!([AUDIENCE, AUDIENCE]),
    ] {
        assert_eq!(rejection_with("aud", audience.clone()), None, "{audience}");
    }
    let others = [
        "",
        "https://api.exampl",
        "https://api.example/",
        "https://api.example.evil.example",
        "https://API.example",
        "api.example",
        "*",
        "https://",
        " https://api.example",
        "https://api.example https://other.example",
        "https://api.example,https://other.example",
    ];
    for audience in others {
        assert_eq!(rejection_with("aud", audience), Some(TokenError::WrongAudience), "{audience:?}");
        assert_eq!(
            rejection_with("aud", json!([audience])),
            Some(TokenError::WrongAudience),
            "[{audience:?}]"
        );
    }
    assert_eq!(rejection_with("aud", json!(others)), Some(TokenError::WrongAudience));
    assert_eq!(rejection_with("aud", json!([])), Some(TokenError::WrongAudience));
    let no_audience = [
        json!(null),
        json!(1),
        json!(true),
        json!({ "aud": AUDIENCE }),
        json!([[AUDIENCE]]),
        json!([null]),
        json!([AUDIENCE, 1]),
        json!([AUDIENCE, null]),
        json!([AUDIENCE, [AUDIENCE]]),
        json!({ "0": AUDIENCE }),
    ];
    for audience in no_audience {
        assert_eq!(rejection_with("aud", audience.clone()), WRONG_TYPE, "{audience}");
    }
}

/// JV-15: an earlier `jsonwebtoken` treated a time of another type as absent (CVE-2026-25537).
#[test]
fn a_time_that_is_not_a_number_is_rejected_and_not_treated_as_absent() {
    let not_a_time = [
        "\"1800000900\"",
        "\"\"",
        "\"never\"",
        "\"2099-01-01T00:00:00Z\"",
        "null",
        "true",
        "false",
        "[]",
        "[1800000900]",
        "{}",
        "{\"seconds\":1800000900}",
        "-1",
        "-1800000900",
        "-0.1",
        "1e99",
        "1e400",
        "-1e400",
        "253402300800",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
        "NaN",
        "Infinity",
        "-Infinity",
        "0x7fffffff",
        "01800000900",
        "+1800000900",
        ".5",
        "1.",
        "1_800_000_900",
    ];
    for member in ["exp", "nbf", "iat", "auth_time"] {
        for raw in not_a_time {
            let token = forge(header().to_string(), with_raw(claims(), member, raw));
            assert_eq!(rejection(&token), WRONG_TYPE, "{member}: {raw}");
        }
        let number = match member {
            "exp" => NOW + 1,
            "auth_time" => ISSUED,
            _ => NOW,
        };
        for raw in [number.to_string(), format!("{number}.5"), format!("{number}e0")] {
            let token = forge(header().to_string(), with_raw(claims(), member, &raw));
            assert_eq!(rejection(&token), None, "{member}: {raw}");
        }
    }
}

/// JV-13, JV-14, JV-15
#[test]
fn a_token_without_a_required_claim_is_rejected() {
    for member in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        assert_eq!(rejection(&with_claims(&without(claims(), member))), WRONG_TYPE, "{member}");
    }
    for member in ["email", "email_verified", "roles", "auth_time"] {
        assert_eq!(rejection(&with_claims(&without(claims(), member))), None, "{member}");
    }
}

#[test]
fn a_claim_of_the_wrong_type_is_rejected() {
    let not_text = [json!(null), json!(1), json!(true), json!(["x"]), json!({ "x": 1 })];
    for member in ["sub", "jti", "client_id", "scope", "sid", "email"] {
        for value in &not_text {
            assert_eq!(rejection_with(member, value.clone()), WRONG_TYPE, "{member}: {value}");
        }
    }
    let table = [
        (
            "roles",
            vec![
                json!(null),
                json!("admin"),
                json!({ "admin": true }),
                json!([1]),
                json!([null]),
                json!([["admin"]]),
                json!(true),
            ],
        ),
        ("email_verified", vec![json!(null), json!("true"), json!(1), json!([true])]),
        (
            "scope",
            vec![
                json!(" photos:read"),
                json!("photos:read  x"),
                json!("a\"b"),
                json!("a\tb"),
                json!(["photos:read"]),
            ],
        ),
    ];
    for (member, values) in table {
        for value in values {
            assert_eq!(rejection_with(member, value.clone()), WRONG_TYPE, "{member}: {value}");
        }
    }
}

/// Tokens of a genuine key that auth-server never issues.
#[test]
fn a_text_that_is_blank_or_has_control_characters_is_rejected() {
    let texts = [
        "",
        " ",
        "\t",
        "\u{a0}",
        "\0",
        "a\0",
        "\0a",
        "a\nb",
        "a\r",
        "\u{1b}[2J",
        "a\u{7f}",
        "a\u{85}b",
        "\u{9f}",
    ];
    for member in ["sub", "jti", "client_id", "sid", "email"] {
        for text in texts {
            assert_eq!(
                rejection_with(member, text),
                Some(TokenError::InvalidClaim(member)),
                "{member}: {text:?}"
            );
        }
        assert_eq!(rejection_with(member, "j\u{fc}rgen & co"), None, "{member}");
    }
    for text in texts {
        assert_eq!(
            rejection_with("roles", json!(["editor", text])),
            Some(TokenError::InvalidClaim("roles")),
            "{text:?}"
        );
        assert_eq!(
            rejection_with("aud", json!([AUDIENCE, text])),
            Some(TokenError::InvalidClaim("aud")),
            "{text:?}"
        );
        let of_client = with(with(without(claims(), "sid"), "sub", text), "client_id", text);
        assert_eq!(rejection(&with_claims(&of_client)), Some(TokenError::InvalidClaim("sub")), "{text:?}");
    }
    for scope in ["\0", "photos:read \0", "a\u{7f}", "a\u{85}"] {
        assert_eq!(rejection_with("scope", scope), WRONG_TYPE, "{scope:?}");
    }
    assert_eq!(rejection_with("scope", ""), None);
}

/// Also if each of the two is possible by itself.
#[test]
fn times_that_contradict_each_other_are_rejected() {
    let table = [
        ("expires when it was issued", json!({ "exp": NOW, "iat": NOW }), None),
        ("expires before it was issued", json!({ "exp": NOW - 1, "iat": NOW }), Some("exp")),
        ("valid until it expires", json!({ "nbf": NOW + 20, "exp": NOW + 20 }), None),
        ("valid after it has expired", json!({ "nbf": NOW + 20, "exp": NOW + 19 }), Some("nbf")),
        ("issued at the sign-in", json!({ "auth_time": NOW, "iat": NOW }), None),
        ("issued before the sign-in", json!({ "auth_time": NOW, "iat": NOW - 1 }), Some("auth_time")),
        ("signed in a day ahead", json!({ "auth_time": NOW + 86_400, "iat": NOW }), Some("auth_time")),
    ];
    for (what, times, expected) in table {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        assert_eq!(rejection(&with_claims(&claims)), expected.map(TokenError::InvalidClaim), "{what}");
    }
}

#[test]
fn unknown_claims_are_ignored() {
    let strange =
        json!({ "exp": "x", "a": [null, 1.5, -3, u64::MAX, true, { "b": "\u{1f600}" }], "admin": true });
    assert_eq!(rejection_with("https://example.com/claim", strange), None);
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(rejection(&forge(header().to_string(), with_raw(claims(), "deep", &nested(100)))), None);
    assert_eq!(
        rejection(&forge(header().to_string(), with_raw(claims(), "deep", &nested(1000)))),
        WRONG_TYPE
    );
}

#[test]
fn every_token_belongs_to_a_session_or_to_the_client_itself() {
    let clients_own = with(without(claims(), "sid"), "sub", "printer");
    let clients_own = with(clients_own, "client_id", "printer");
    let table = [
        ("a user's", claims(), None),
        ("a client's own", clients_own.clone(), None),
        ("a user's without a session", without(claims(), "sid"), Some(TokenError::NoSession)),
        (
            "a client's with another client's name",
            with(clients_own.clone(), "client_id", "Printer"),
            Some(TokenError::NoSession),
        ),
        ("a client's with a session", with(clients_own, "sid", "s"), Some(TokenError::NoSession)),
    ];
    for (whose, claims, expected) in table {
        assert_eq!(rejection(&with_claims(&claims)), expected, "{whose}");
    }
}

#[test]
fn the_claims_arrive_as_they_were_signed() {
    let seen = verifier().verify(&with_claims(&claims()), at(NOW)).unwrap();
    assert_eq!(serde_json::to_value(&seen).unwrap(), with(claims(), "sub", USER));
}
