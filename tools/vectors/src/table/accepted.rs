//! Tokens with nothing wrong: each key, each kind of caller, and what a strict verifier must not reject.

use goptri::token::TokenType;
use serde::Serialize;

use super::Cases;
use crate::keys::{self, ED25519, OLD_SECRET, P256, RSA, SECRET};
use crate::mint::{
    ISSUED, claims, client_claims, forge, good, header, header_of, signed, signing_input, with_claims,
    with_header,
};
use crate::signature::sign;
use crate::{AUDIENCE, ISSUER};

pub(super) fn add(cases: &mut Cases) {
    each_key(cases);
    each_caller(cases);
    harmless(cases);
}

fn each_key(cases: &mut Cases) {
    cases.accept("hs256", "A user's token, signed with the first shared secret.", good());
    let input = signing_input(header_of("HS256", OLD_SECRET).to_string(), claims().to_string());
    let old = signed(&input, keys::mac("HS256", OLD_SECRET.as_bytes(), &input));
    cases.accept("hs256_second_secret", "Signed with the second secret of the list, during a rotation.", old);
    for (name, alg, key) in [("ed25519", "EdDSA", ED25519), ("p256", "ES256", P256), ("rsa", "RS256", RSA)] {
        let about = format!("A user's token, signed with the published {alg} key.");
        cases.accept(name, about, public_key_token(alg, key, &claims().to_string()));
        let about = format!("A client's own token, signed with the published {alg} key.");
        let token = public_key_token(alg, key, &client_claims().to_string());
        cases.accept(format!("{name}_client_token"), about, token);
    }
    let ours = keys::ring(SECRET).sign(TokenType::Access, &Issued::default()).unwrap();
    cases.accept("as_auth_server_writes_it", "The header has the bytes that auth-server writes.", ours);
}

fn public_key_token(alg: &str, key: &str, payload: &str) -> String {
    let input = signing_input(header_of(alg, key).to_string(), payload);
    signed(&input, sign(alg, key, &input))
}

/// Claims as auth-server writes them.
#[derive(Serialize)]
struct Issued {
    iss: &'static str,
    sub: &'static str,
    aud: &'static str,
    exp: i64,
    iat: i64,
    jti: &'static str,
    client_id: &'static str,
    scope: &'static str,
    sid: &'static str,
    roles: [&'static str; 2],
}

impl Default for Issued {
    fn default() -> Self {
        Self {
            iss: ISSUER,
            sub: crate::mint::USER,
            aud: AUDIENCE,
            exp: crate::mint::EXPIRES,
            iat: ISSUED,
            jti: "7c0d0000000000000000000000000003",
            client_id: "goptri",
            scope: "photos:read photos:write",
            sid: crate::mint::SESSION,
            roles: ["editor", "admin"],
        }
    }
}

fn each_caller(cases: &mut Cases) {
    let client = with_claims(&client_claims());
    cases.accept(
        "client_token",
        "A client that acts for itself: sub is client_id, and there is no sid.",
        client,
    );
    let named = client_claims().with("roles", r#"["admin"]"#).with("email", r#""a@b.example""#);
    cases.accept(
        "client_with_roles_and_email",
        "Only users have roles and an address: a client gets neither.",
        with_claims(&named),
    );
    let minimal = claims().without("email").without("email_verified").without("roles").without("auth_time");
    cases.accept("required_claims_only", "Without any optional claim.", with_claims(&minimal));
    for (name, about, member, value) in [
        ("no_roles", "An empty list of roles.", "roles", "[]"),
        ("several_roles", "Roles keep their order.", "roles", r#"["editor","admin","editor"]"#),
        ("email_not_verified", "An address that the user has not confirmed.", "email_verified", "false"),
        ("empty_scope", "The scope may be empty.", "scope", r#""""#),
        ("several_scopes", "Two words.", "scope", r#""photos:read photos:write""#),
        (
            "repeated_scope",
            "A repeated word counts once.",
            "scope",
            r#""photos:read photos:write photos:read""#,
        ),
        (
            "scope_punctuation",
            "A scope is printable ASCII, except quote and backslash.",
            "scope",
            r#""!#[]~ /'""#,
        ),
        (
            "audience_list",
            "The audience may be a list.",
            "aud",
            r#"["https://other.example","https://api.example"]"#,
        ),
        ("audience_list_of_one", "A list of this service only.", "aud", r#"["https://api.example"]"#),
        (
            "audience_twice",
            "The same audience twice.",
            "aud",
            r#"["https://api.example","https://api.example"]"#,
        ),
        ("subject_not_ascii", "Texts may be any Unicode.", "sub", r#""jürgen & co 😀""#),
        ("subject_of_another_issuer", "The form of sub is not checked.", "sub", r#""auth0|5f2a""#),
        (
            "other_client",
            "A user's token that was issued to an application.",
            "client_id",
            r#""photo-printer""#,
        ),
    ] {
        cases.accept(name, about, with_claims(&claims().with(member, value)));
    }
}

fn harmless(cases: &mut Cases) {
    let strange = r#"{"exp":"x","a":[null,1.5,-3,18446744073709551615,true,{"b":"😀"}],"admin":true}"#;
    let token = with_claims(&claims().with("https://example.com/claim", strange).with("admin", "true"));
    cases.accept("unknown_claims", "Unknown claims are ignored, whatever they contain.", token);
    let token = with_header(&header().with("made-up", r#"{"a":[1,2]}"#).with("cty", "7"));
    cases.accept("unknown_header_members", "Unknown members of the header are ignored.", token);
    let token = forge(
        header().to_string().replace(',', " ,\n\t").replace(':', " : "),
        claims().to_string().replacen(',', "\r\n , ", 3),
    );
    cases.accept("white_space_between_members", "White space inside of the JSON is allowed.", token);
    let token = forge(header().to_string() + "  ", claims().to_string() + "\n");
    cases.accept("white_space_after_the_object", "White space after the JSON is allowed.", token);
    let kid = keys::kid(SECRET);
    let reordered = format!(r#"{{"kid":"{kid}","alg":"HS256","typ":"at+jwt"}}"#);
    cases.accept(
        "header_in_another_order",
        "The order of members is free.",
        forge(reordered, claims().to_string()),
    );
    for (name, typ) in [
        ("typ_in_upper_case", "AT+JWT"),
        ("typ_with_application", "application/at+jwt"),
        ("typ_with_application_in_mixed_case", "Application/At+JWT"),
    ] {
        let about = "Media types are case-insensitive, and may begin with application/.";
        cases.accept(name, about, with_header(&header().with_text("typ", typ)));
    }
    let rounds = header().with("p2c", u64::MAX);
    cases.accept(
        "p2c_in_the_header",
        "An iteration count of another algorithm has no effect.",
        with_header(&rounds),
    );
}
