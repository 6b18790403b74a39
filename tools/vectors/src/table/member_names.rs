//! Names of members: duplicates, escapes, case, and their number.

use goptri::TokenError;

use super::Cases;
use crate::mint::{claims, client_claims, forge, header, with_claims, with_header};

pub(super) fn add(cases: &mut Cases) {
    duplicates(cases);
    spellings(cases);
    numbers(cases);
}

fn duplicates(cases: &mut Cases) {
    for (name, members) in [
        ("alg", r#""alg":"HS256""#),
        ("alg_none", r#""alg":"none""#),
        ("alg_escaped", r#""\u0061lg":"HS256""#),
        ("typ", r#""typ":"at+jwt""#),
        ("kid_escaped", r#""\u006bid":"x""#),
        ("unknown", r#""x":1,"x":1"#),
        ("nested", r#""x":[{"y":{"z":0,"z":0}}]"#),
    ] {
        for (place, json) in [("first", header().after(members)), ("last", header().before(members))] {
            let about = format!("The header has a member twice: {members}.");
            let token = forge(json, claims().to_string());
            cases.reject(
                TokenError::DuplicateMember("header"),
                format!("header_twice_{name}_{place}"),
                about,
                token,
            );
        }
    }
    for (name, members) in [
        ("sub", r#""sub":"admin""#),
        ("sub_escaped", r#""\u0073ub":"admin""#),
        ("sub_escaped_in_upper_case", r#""su\u0062":"admin""#),
        ("exp", r#""exp":4102444800"#),
        ("roles_escaped", r#""r\u006fles":["admin"]"#),
        ("aud", r#""aud":"https://api.example""#),
        ("unknown", r#""x":1,"y":2,"x":null"#),
        ("unknown_escaped", r#""x":1,"\u0078":1"#),
        ("empty_name", r#""":1,"":2"#),
        ("nested", r#""x":{"y":1,"y":1}"#),
        ("nested_in_list", r#""x":[1,[{"y":[{"z":{},"z":{}}]}]]"#),
        ("nested_escaped", r#""x":{"é":1,"\u00e9":1}"#),
        ("surrogate_pair_escaped", r#""😀":1,"\ud83d\ude00":2"#),
    ] {
        for (place, json) in [("first", claims().after(members)), ("last", claims().before(members))] {
            let about = format!("The payload has a member twice: {members}.");
            let token = forge(header().to_string(), json);
            let name = format!("payload_twice_{name}_{place}");
            cases.reject(TokenError::DuplicateMember("payload"), name, about, token);
        }
    }
    let nested = claims().before(r#""x":{"sub":{"sub":[{"sub":1},{"sub":2}]},"iss":1}"#);
    let about = "The same name in two objects is not a duplicate.";
    cases.accept("same_name_in_two_objects", about, forge(header().to_string(), nested));
}

fn spellings(cases: &mut Cases) {
    let token = with_claims(&claims().spelled("sub", r#""\u0073\u0075b""#).spelled("exp", r#""e\u0078p""#));
    cases.accept("escaped_claim_names", "Names may be written with escapes.", token);
    let token = with_header(&header().spelled("alg", r#""\u0061lg""#).spelled("kid", r#""ki\u0064""#));
    cases.accept("escaped_header_names", "Names in the header may be written with escapes.", token);
    let token = with_claims(&claims().with("sub", r#""\u0061nn\/\ud83d\ude00""#));
    cases.accept("escaped_value", "Texts may be written with escapes, also with a surrogate pair.", token);

    for (name, about, members) in [
        ("upper_case_claims", "Names are case-sensitive.", r#""SUB":"admin","Exp":1,"Roles":["admin"]"#),
        ("folded_claim", "U+017F is another letter than s, in upper case too.", "\"\u{17f}ub\":\"admin\""),
        (
            "proto_claim",
            "__proto__ is a name like any other.",
            r#""__proto__":{"sub":"admin","roles":["admin"]}"#,
        ),
        (
            "constructor_claim",
            "constructor is a name like any other.",
            r#""constructor":{"prototype":{"a":1}}"#,
        ),
        ("nul_in_a_name", "A name that begins like a claim.", r#""sub\u0000":"admin""#),
    ] {
        let token = forge(header().to_string(), claims().before(members));
        cases.accept(name, about, token);
    }
    let roles = client_claims().before(r#""__proto__":{"roles":["admin"],"email":"a@b.example"}"#);
    let about = "__proto__ gives no claims to a token without them.";
    cases.accept("proto_gives_no_roles", about, forge(header().to_string(), roles));
    let token = with_header(&header().with_text("ALG", "none").with_text("Kid", "x").with("Crit", "[]"));
    cases.accept("upper_case_header", "Names in the header are case-sensitive.", token);
    for (member, other) in [("sub", "Sub"), ("exp", "EXP"), ("scope", "\u{17f}cope"), ("jti", "JTI")] {
        let quoted = serde_json::to_string(other).unwrap();
        let about = format!("{other} is not {member}: names are case-sensitive.");
        let token = with_claims(&claims().spelled(member, &quoted));
        cases.reject(TokenError::Json("payload"), format!("{member}_in_another_case"), about, token);
    }
    for (error, member, other) in [
        (TokenError::Json("header"), "alg", "Alg"),
        (TokenError::WrongType, "typ", "TYP"),
        (TokenError::MissingKid, "kid", "\u{212a}id"),
    ] {
        let quoted = serde_json::to_string(other).unwrap();
        let about = format!("{other} is not {member}: names are case-sensitive.");
        let token = with_header(&header().spelled(member, &quoted));
        cases.reject(error, format!("{member}_in_another_case"), about, token);
    }
}

fn numbers(cases: &mut Cases) {
    let more =
        |from: usize, to: usize| (from..to).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(",");
    // The claims have 13 members and the header 3.
    let payload = |members: &str| forge(header().to_string(), claims().before(members));
    let in_header = |members: &str| forge(header().before(members), claims().to_string());
    let too_many = TokenError::TooManyMembers;
    cases.accept("payload_64_members", "The most members.", payload(&more(13, 64)));
    let about = "One member more than allowed.";
    cases.reject(too_many("payload"), "payload_65_members", about, payload(&more(13, 65)));
    cases.accept("header_64_members", "The most members in the header.", in_header(&more(3, 64)));
    let about = "One member of the header more than allowed.";
    cases.reject(too_many("header"), "header_65_members", about, in_header(&more(3, 65)));
    // A nested object counts as one, and so does each of its members.
    let nested = |count: usize| format!(r#""x":{{{}}}"#, more(0, count));
    let about = "The members of a nested object count, and the object counts as one more.";
    cases.accept("payload_64_members_nested", about, payload(&nested(49)));
    cases.reject(too_many("payload"), "payload_65_members_nested", about, payload(&nested(50)));
    let list = |count: usize| format!(r#""x":[{}]"#, vec!["{}"; count].join(","));
    let about = "Empty objects count too.";
    cases.accept("payload_50_empty_objects", about, payload(&list(50)));
    cases.reject(too_many("payload"), "payload_51_empty_objects", about, payload(&list(51)));
    let token = payload(&format!(r#""x":[{}]"#, vec!["0"; 500].join(",")));
    cases.accept("payload_long_list", "The elements of a list are no members.", token);
}
