//! Duplicate members of JSON objects: parsers disagree on which value counts.

use goptri::TokenError;

use test_support::forge::{claims, forge, header, rejection};

/// Each is inserted before the valid members.
const DOUBLED_IN_BOTH: [&str; 6] = [
    r#""x":1,"x":1"#,
    r#""x":1,"y":2,"x":null"#,
    r#""x":{"y":1,"y":1}"#,
    r#""x":[{"y":[{"z":0,"z":0}]}]"#,
    r#""x":1,"\u0078":2"#,
    r#""":1,"":2"#,
];

/// JV-11
#[test]
fn a_header_with_a_duplicate_member_is_rejected() {
    let genuine = header().to_string();
    let known = [
        r#""alg":"HS256""#,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""typ":"at+jwt""#,
        r#""kid":null"#,
        r#""\u006bid":"x""#,
    ];
    for members in DOUBLED_IN_BOTH.iter().chain(&known) {
        for json in [
            genuine.replacen('{', &format!("{{{members},"), 1),
            genuine.replace('}', &format!(",{members}}}")),
        ] {
            let token = forge(&json, claims().to_string());
            assert_eq!(rejection(&token), Some(TokenError::DuplicateMember("header")), "{json}");
        }
    }
}

/// JV-11
#[test]
fn a_payload_with_a_duplicate_member_is_rejected() {
    let genuine = claims().to_string();
    let known = [
        r#""sub":"somebody-else""#,
        r#""\u0073ub":"somebody-else""#,
        r#""exp":9999999999"#,
        r#""scope":"photos:write""#,
        r#""roles":["admin"]"#,
        r#""r\u006fles":["admin"]"#,
        r#""aud":"https://api.example""#,
    ];
    for members in DOUBLED_IN_BOTH.iter().chain(&known) {
        for json in [
            genuine.replacen('{', &format!("{{{members},"), 1),
            genuine.replace('}', &format!(",{members}}}")),
        ] {
            let token = forge(header().to_string(), &json);
            assert_eq!(rejection(&token), Some(TokenError::DuplicateMember("payload")), "{json}");
        }
    }
}

/// The error names the first fault in the text.
#[test]
fn a_duplicate_member_is_rejected_even_if_one_value_has_the_wrong_type() {
    let genuine = claims().to_string();
    for (json, expected) in [
        (genuine.replacen('{', r#"{"iss":null,"#, 1), TokenError::Json("payload")),
        (genuine.replace('}', r#","iss":null}"#), TokenError::DuplicateMember("payload")),
    ] {
        assert_eq!(rejection(&forge(header().to_string(), &json)), Some(expected), "{json}");
    }
}

#[test]
fn the_same_name_in_two_objects_is_not_a_duplicate() {
    let nested = r#"{"sub":{"sub":[{"sub":1},{"sub":2}]},"iss":1}"#;
    let json = claims().to_string().replacen('{', &format!("{{\"x\":{nested},"), 1);
    assert_eq!(rejection(&forge(header().to_string(), json)), None);
}
