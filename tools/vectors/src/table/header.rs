//! The JOSE header: `typ`, `alg`, `kid`, extensions, and keys that a sender supplies.

use goptri::TokenError;

use super::Cases;
use crate::keys::{self, FOREIGN_P256, FOREIGN_SECRET, P256, SECRET};
use crate::mint::{
    base64url, claims, client_claims, forge, header, header_of, signed, signing_input, with_header,
};
use crate::object::{Object, quoted};
use crate::signature::sign;

pub(super) fn add(cases: &mut Cases) {
    types(cases);
    other_tokens(cases);
    algorithms(cases);
    kids(cases);
    extensions(cases);
    supplied_keys(cases);
}

fn types(cases: &mut Cases) {
    for (name, typ) in [
        ("typ_jwt", "JWT"),
        ("typ_empty", ""),
        ("typ_cut", "at"),
        ("typ_with_space", "at+jwt "),
        ("typ_with_parameter", "at+jwt;charset=utf-8"),
        ("typ_of_another_tree", "x/at+jwt"),
        ("typ_with_application_twice", "application/application/at+jwt"),
        ("typ_logout", "logout+jwt"),
    ] {
        let about = format!("typ is {typ:?}, not that of an access token.");
        cases.reject(TokenError::WrongType, name, about, with_header(&header().with_text("typ", typ)));
    }
    let token = with_header(&header().without("typ"));
    cases.reject(TokenError::WrongType, "typ_missing", "typ is required.", token);
    let token = with_header(&header().with("typ", "null"));
    cases.reject(TokenError::WrongType, "typ_null", "typ is null.", token);
    for (name, value) in [("typ_number", "1"), ("typ_list", r#"["at+jwt"]"#)] {
        let token = with_header(&header().with("typ", value));
        cases.reject(TokenError::Json("header"), name, "typ is not a string.", token);
    }
}

/// Genuine tokens of the same issuer and key, for another purpose.
fn other_tokens(cases: &mut Cases) {
    let refresh = header().with_text("typ", "rt+jwt");
    cases.reject(TokenError::WrongType, "refresh_token", "A refresh token.", with_header(&refresh));
    let id_token = claims().with_text("nonce", "n-0S6").with_text("at_hash", "dNZX1hEZ9wBCzNL40Upu646bdzQA");
    for (name, header) in [
        ("id_token", header().with_text("typ", "JWT")),
        ("id_token_without_typ", header().without("typ")),
        ("id_token_with_typ", header().with_text("typ", "id+jwt")),
    ] {
        let token = forge(header.to_string(), id_token.to_string());
        cases.reject(TokenError::WrongType, name, "An OpenID Connect ID token.", token);
    }
    let assertion = client_claims().with_text("iss", "printer");
    for (name, typ) in
        [("client_assertion", "client-authentication+jwt"), ("client_assertion_with_typ_jwt", "JWT")]
    {
        let token = forge(header().with_text("typ", typ).to_string(), assertion.to_string());
        cases.reject(TokenError::WrongType, name, "The assertion of a client (RFC 7523).", token);
    }
    let token = forge(header().to_string(), client_claims().with_text("iss", "printer").to_string());
    let about = "The assertion of a client, with the typ of an access token.";
    cases.reject(TokenError::WrongIssuer, "client_assertion_with_typ_at_jwt", about, token);
}

/// The signature is right; only the name of the algorithm is not.
fn algorithms(cases: &mut Cases) {
    for (name, alg) in [
        ("alg_empty", ""),
        ("alg_in_lower_case", "hs256"),
        ("alg_with_space", "HS256 "),
        ("alg_hs384", "HS384"),
        ("alg_hs512", "HS512"),
        ("alg_rs256_of_a_secret", "RS256"),
        ("alg_es256_of_a_secret", "ES256"),
        ("alg_eddsa_of_a_secret", "EdDSA"),
        ("alg_dir", "dir"),
        ("alg_pbes2", "PBES2-HS256+A128KW"),
    ] {
        let about = format!("alg is {alg:?}, but the key of this kid has HS256.");
        cases.reject(TokenError::WrongAlgorithm, name, about, with_header(&header().with_text("alg", alg)));
    }
    for (name, value) in [("alg_null", "null"), ("alg_number", "256"), ("alg_list", r#"["HS256"]"#)] {
        let token = with_header(&header().with("alg", value));
        cases.reject(TokenError::Json("header"), name, "alg is not a string.", token);
    }
    let token = with_header(&header().without("alg"));
    cases.reject(TokenError::Json("header"), "alg_missing", "alg is required.", token);
}

fn kids(cases: &mut Cases) {
    let ours = keys::kid(SECRET);
    for (name, kid) in [
        ("kid_unknown", keys::kid(FOREIGN_SECRET)),
        ("kid_empty", String::new()),
        ("kid_in_upper_case", ours.to_uppercase()),
        ("kid_with_space", format!("{ours} ")),
        ("kid_with_nul", format!("{ours}\0")),
        ("kid_cut", ours[1..].to_owned()),
        ("kid_path", "../../../../dev/null".to_owned()),
        ("kid_sql", "x' UNION SELECT 'secret".to_owned()),
        ("kid_proto", "__proto__".to_owned()),
        (
            "kid_of_the_thumbprint_urn",
            format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{}", keys::kid(P256)),
        ),
    ] {
        let about = "No key has this kid: it is compared byte by byte.";
        cases.reject(TokenError::UnknownKey, name, about, with_header(&header().with_text("kid", &kid)));
    }
    for (name, header) in
        [("kid_missing", header().without("kid")), ("kid_null", header().with("kid", "null"))]
    {
        cases.reject(TokenError::MissingKid, name, "kid is required.", with_header(&header));
    }
    for (name, value) in [
        ("kid_number", "0".to_owned()),
        ("kid_list", format!("[{}]", quoted(&ours))),
        ("kid_object", format!(r#"{{"kid":{}}}"#, quoted(&ours))),
    ] {
        let token = with_header(&header().with("kid", value));
        cases.reject(TokenError::Json("header"), name, "kid is not a string.", token);
    }
}

fn extensions(cases: &mut Cases) {
    for (name, member, value) in [
        ("crit", "crit", r#"["exp"]"#),
        ("crit_b64", "crit", r#"["b64"]"#),
        ("crit_unknown", "crit", r#"["made-up"]"#),
        ("crit_empty", "crit", "[]"),
        ("crit_null", "crit", "null"),
        ("crit_false", "crit", "false"),
        ("zip", "zip", r#""DEF""#),
        ("zip_null", "zip", "null"),
        ("enc", "enc", r#""A128GCM""#),
        ("enc_null", "enc", "null"),
    ] {
        let about = format!("The header has {member}: no extension is supported.");
        cases.reject(TokenError::Extension, name, about, with_header(&header().with(member, value)));
    }
}

/// Keys in the header are ignored.
fn supplied_keys(cases: &mut Cases) {
    let foreign = base64url(FOREIGN_SECRET);
    let oct =
        format!(r#"{{"kty":"oct","alg":"HS256","use":"sig","k":"{foreign}","kid":"{}"}}"#, keys::kid(SECRET));
    let supplied = [
        ("jwk", oct),
        ("jku", quoted("https://evil.example/jwks.json")),
        ("x5u", quoted("https://evil.example/key.pem")),
        ("x5c", format!("[{}]", quoted("MIIB"))),
    ];
    let foreign_mac = |header: &Object| {
        let input = signing_input(header.to_string(), claims().to_string());
        signed(&input, keys::mac("HS256", FOREIGN_SECRET.as_bytes(), &input))
    };
    for (member, value) in supplied {
        let header = header().with(member, value);
        let about = format!("{member} in the header is ignored; the token is genuine.");
        cases.accept(format!("{member}_ignored"), about, with_header(&header));
        let about = format!("{member} in the header is ignored; the sender's own key signed.");
        cases.reject(
            TokenError::BadSignature,
            format!("{member}_of_the_sender"),
            about,
            foreign_mac(&header),
        );
    }
    let jwk = keys::jwk(FOREIGN_P256);
    let foreign = |header: Object| {
        let input = signing_input(header.with("jwk", &jwk).to_string(), claims().to_string());
        signed(&input, sign("ES256", FOREIGN_P256, &input))
    };
    for (error, name, kid) in [
        (TokenError::BadSignature, "jwk_p256_with_our_kid", P256),
        (TokenError::UnknownKey, "jwk_p256_with_its_own_kid", FOREIGN_P256),
    ] {
        let about = "The sender's own key signed, and is in the header.";
        cases.reject(error, name, about, foreign(header_of("ES256", kid)));
    }
    let token = foreign(header_of("ES256", P256).without("kid"));
    let about = "The sender's own key signed, is in the header, and there is no kid.";
    cases.reject(TokenError::MissingKid, "jwk_p256_without_kid", about, token);
}
