//! `iss` and `aud`.

use goptri::TokenError;

use super::Cases;
use crate::mint::{claims, with_claims};

pub(super) fn add(cases: &mut Cases) {
    for (name, about, value) in [
        ("issuer_unknown", "Another issuer.", r#""https://evil.example""#),
        ("issuer_with_slash", "Issuers are compared byte by byte.", r#""https://auth.example/""#),
        ("issuer_in_upper_case", "Issuers are compared byte by byte.", r#""https://AUTH.example""#),
        ("issuer_with_port", "The default port is another text.", r#""https://auth.example:443""#),
        ("issuer_without_tls", "Another scheme.", r#""http://auth.example""#),
        ("issuer_is_a_prefix", "A longer name.", r#""https://auth.example.evil.example""#),
        ("issuer_is_cut", "A shorter name.", r#""https://auth.exampl""#),
        ("issuer_empty", "An empty issuer.", r#""""#),
        ("issuer_is_the_audience", "The service is not an issuer.", r#""https://api.example""#),
    ] {
        let token = with_claims(&claims().with("iss", value));
        cases.reject(TokenError::WrongIssuer, name, about, token);
    }
    for (name, about, value) in [
        ("audience_unknown", "Another service.", r#""https://other.example""#),
        ("audience_with_slash", "Audiences are compared byte by byte.", r#""https://api.example/""#),
        ("audience_in_upper_case", "Audiences are compared byte by byte.", r#""https://API.example""#),
        ("audience_is_a_prefix", "A longer name.", r#""https://api.example.evil.example""#),
        ("audience_is_cut", "A shorter name.", r#""https://api.exampl""#),
        ("audience_any", "There is no wildcard.", r#""*""#),
        ("audience_empty", "An empty audience.", r#""""#),
        (
            "audience_separated_by_space",
            "Several audiences are a list, not words.",
            r#""https://api.example https://other.example""#,
        ),
        ("audience_list_empty", "A list of nothing.", "[]"),
        ("audience_list_of_others", "A list without this service.", r#"["https://other.example","api"]"#),
        ("audience_is_the_issuer", "A token for auth-server itself.", r#""https://auth.example""#),
    ] {
        let token = with_claims(&claims().with("aud", value));
        cases.reject(TokenError::WrongAudience, name, about, token);
    }
    for (name, member, value) in [
        ("issuer_list", "iss", r#"["https://auth.example"]"#),
        ("issuer_null", "iss", "null"),
        ("issuer_number", "iss", "1"),
        ("audience_null", "aud", "null"),
        ("audience_number", "aud", "1"),
        ("audience_object", "aud", r#"{"0":"https://api.example"}"#),
        ("audience_list_with_null", "aud", r#"["https://api.example",null]"#),
        ("audience_list_with_number", "aud", r#"["https://api.example",1]"#),
        ("audience_nested_list", "aud", r#"[["https://api.example"]]"#),
    ] {
        let about = format!("{member} is {value}, of the wrong type.");
        let token = with_claims(&claims().with(member, value));
        cases.reject(TokenError::Json("payload"), name, about, token);
    }
    for (name, value) in [
        ("audience_list_with_blank", r#"["https://api.example"," "]"#),
        ("audience_list_with_control_character", r#"["https://api.example","a\u0000"]"#),
    ] {
        let about = "Every audience is a text, not blank and without control characters.";
        let token = with_claims(&claims().with("aud", value));
        cases.reject(TokenError::InvalidClaim("aud"), name, about, token);
    }
}
