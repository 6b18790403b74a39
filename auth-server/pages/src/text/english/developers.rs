//! The English texts for developers.

use crate::Verdict;
use crate::text::InspectTexts;

pub(super) const INSPECT: InspectTexts = InspectTexts {
    title: "Inspect a token",
    explanation: "For developers: see what an access token says and whether this server accepts it.",
    token: "Access token",
    hint: "Three parts with dots between them. The token is checked, not stored, and not shown again.",
    submit: "Inspect",
    result: "Result",
    accepted: "Accepted",
    rejected: "Rejected",
    verdict: |verdict| match verdict {
        Verdict::Accepted => {
            "The signature, the issuer, the audience and the times are right, and the session is active."
        }
        Verdict::Expired => "The token has expired (exp). Get a new one with the refresh token.",
        Verdict::NotYetValid => {
            "The token is from the future (nbf or iat). Compare the clocks of both machines."
        }
        Verdict::SessionEnded => {
            "The session of the token was ended: by signing out, or by the user or an administrator."
        }
        Verdict::WrongSignature => {
            "The signature does not match. The token was changed, or signed with another key."
        }
        Verdict::UnknownKey => "No key of this server has this key id and algorithm (kid, alg).",
        Verdict::WrongIssuer => "Another server issued the token (iss).",
        Verdict::WrongAudience => "The token is for another API (aud).",
        Verdict::WrongType => {
            "This is not an access token (typ). Refresh tokens and ID tokens are for other uses."
        }
        Verdict::NotAToken => "This is not a signed JWT: three parts in base64url with dots between them.",
    },
    header: "Header",
    claims: "Claims",
    meaning,
};

fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "alg" => "Signature algorithm",
        "kid" => "Id of the key",
        "typ" => "Kind of token",
        "iss" => "Issuer",
        "sub" => "User",
        "aud" => "API that accepts it",
        "exp" => "Expires",
        "iat" => "Issued",
        "nbf" => "Not before",
        "jti" => "Id of the token",
        "sid" => "Session",
        "client_id" => "Application",
        "scope" => "Permissions",
        "auth_time" => "Signed in",
        "role" | "roles" => "Role of the user",
        "email" => "E-mail address",
        "amr" => "How the user signed in",
        "cnf" => "Key that the token is bound to",
        _ => return None,
    })
}
