//! Missing claims, claims of the wrong type, and the scope.

use goptri::TokenError;

use super::Cases;
use crate::mint::{claims, with_claims};

const WRONG: TokenError = TokenError::Json("payload");

pub(super) fn add(cases: &mut Cases) {
    for member in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        let about = format!("Without {member}, which is required.");
        cases.reject(WRONG, format!("{member}_missing"), about, with_claims(&claims().without(member)));
    }
    for member in ["sub", "jti", "client_id", "scope", "sid", "email", "email_verified", "roles"] {
        let about = format!("{member} is null, which is not the same as absent.");
        cases.reject(WRONG, format!("{member}_null"), about, with_claims(&claims().with(member, "null")));
    }
    for (name, member, value) in [
        ("sub_number", "sub", "42"),
        ("sub_list", "sub", r#"["ann"]"#),
        ("jti_number", "jti", "7"),
        ("client_id_true", "client_id", "true"),
        ("sid_number", "sid", "7"),
        ("sid_object", "sid", r#"{"id":"s"}"#),
        ("email_number", "email", "7"),
        ("email_verified_string", "email_verified", r#""true""#),
        ("email_verified_number", "email_verified", "1"),
        ("roles_string", "roles", r#""admin""#),
        ("roles_object", "roles", r#"{"admin":true}"#),
        ("roles_with_number", "roles", "[1]"),
        ("roles_with_null", "roles", "[null]"),
        ("roles_nested", "roles", r#"[["admin"]]"#),
        ("scope_list", "scope", r#"["photos:read"]"#),
        ("scope_number", "scope", "1"),
    ] {
        let about = format!("{member} is {value}, of the wrong type.");
        cases.reject(WRONG, name, about, with_claims(&claims().with(member, value)));
    }
    for (name, value) in [
        ("scope_leading_space", r#"" photos:read""#),
        ("scope_trailing_space", r#""photos:read ""#),
        ("scope_two_spaces", r#""photos:read  photos:write""#),
        ("scope_only_space", r#"" ""#),
        ("scope_quote", r#""a\"b""#),
        ("scope_backslash", r#""a\\b""#),
        ("scope_tab", r#""photos:read\tphotos:write""#),
        ("scope_line_break", r#""photos:read\n""#),
        ("scope_delete", r#""a\u007f""#),
        ("scope_not_ascii", r#""fötos:read""#),
    ] {
        let about = format!("{value} is no scope of RFC 6749.");
        cases.reject(WRONG, name, about, with_claims(&claims().with("scope", value)));
    }
}
