//! Whose token it is: a user's with a session, or a client's own.

use goptri::TokenError;

use super::Cases;
use crate::mint::{USER, claims, client_claims, with_claims};

pub(super) fn add(cases: &mut Cases) {
    for (name, about, claims) in [
        ("user_without_session", "A user's token needs a session.", claims().without("sid")),
        (
            "client_with_session",
            "A client's own token has no session.",
            client_claims().with_text("sid", "s"),
        ),
        (
            "client_in_another_case",
            "sub and client_id are compared byte by byte, so this is a user without a session.",
            client_claims().with_text("client_id", "Printer"),
        ),
        (
            "user_named_as_the_client",
            "sub equals client_id, and there is a session: it is unclear whose token it is.",
            claims().with_text("client_id", USER),
        ),
    ] {
        cases.reject(TokenError::NoSession, name, about, with_claims(&claims));
    }
    let blank = [
        ("empty", r#""""#),
        ("blank", r#"" ""#),
        ("unicode_blank", r#""\u3000\u00a0""#),
        ("nul", r#""a\u0000""#),
        ("line_break", r#""a\nb""#),
        ("delete", r#""a\u007f""#),
        ("c1_control", r#""a\u0085b""#),
    ];
    for member in ["sub", "jti", "client_id", "sid", "email"] {
        let some = if matches!(member, "sub" | "sid") { &blank[..] } else { &blank[..4] };
        for (form, value) in some {
            let about = format!("{member} is {value}: blank, or with a control character.");
            let token = with_claims(&claims().with(member, value));
            cases.reject(TokenError::InvalidClaim(member), format!("{member}_{form}"), about, token);
        }
    }
    for (form, value) in
        [("empty", r#"["editor",""]"#), ("tab", r#"["edi\ttor"]"#), ("blank", r#"["\u2003"]"#)]
    {
        let about = "Every role is a text, not blank and without control characters.";
        let token = with_claims(&claims().with("roles", value));
        cases.reject(TokenError::InvalidClaim("roles"), format!("roles_with_{form}"), about, token);
    }
}
