//! Revocations, by the id of the session, the token or the client.

use goptri::TokenError;

use super::Cases;
use crate::judge::{REVOKED_AT, REVOKED_CLIENT, REVOKED_SESSION, REVOKED_SHORT_SESSION, REVOKED_TOKEN};
use crate::keys::P256;
use crate::mint::{claims, client_claims, header_of, signed, signing_input, with_claims};
use crate::object::Object;
use crate::signature::{sign, twin};

pub(super) fn add(cases: &mut Cases) {
    sessions_and_tokens(cases);
    clients(cases);
}

fn sessions_and_tokens(cases: &mut Cases) {
    for (name, about, member, value) in [
        ("revoked_session", "The session was signed out.", "sid", REVOKED_SESSION),
        (
            "revoked_session_of_another_form",
            "An id of a session may have any form.",
            "sid",
            REVOKED_SHORT_SESSION,
        ),
        ("revoked_token", "The token itself was revoked.", "jti", REVOKED_TOKEN),
    ] {
        let token = with_claims(&claims().with_text(member, value));
        cases.reject(TokenError::Revoked, name, about, token);
    }
    let token = with_claims(&client_claims().with_text("jti", REVOKED_TOKEN));
    cases.reject(
        TokenError::Revoked,
        "revoked_client_token",
        "A client's token was revoked by its jti.",
        token,
    );
    let escaped = REVOKED_SESSION.replacen('0', "\\u0030", 1);
    let token = with_claims(&claims().with("sid", format!("\"{escaped}\"")));
    let about = "Ids are compared after escapes are resolved.";
    cases.reject(TokenError::Revoked, "revoked_session_with_an_escape", about, token);

    both_signatures(cases);
    other_ids(cases);
}

/// Anyone can compute the other valid form of an ES256 signature.
fn both_signatures(cases: &mut Cases) {
    let input = signing_input(
        header_of("ES256", P256).to_string(),
        claims().with_text("sid", REVOKED_SESSION).to_string(),
    );
    let signature = sign("ES256", P256, &input);
    let about = "An ES256 token of a revoked session.";
    cases.reject(TokenError::Revoked, "revoked_es256", about, signed(&input, &signature));
    let about = "Its other valid signature (r, n - s): tokens are revoked by id and not by text.";
    cases.reject(
        TokenError::Revoked,
        "revoked_es256_other_signature",
        about,
        signed(&input, twin(&signature)),
    );
}

fn other_ids(cases: &mut Cases) {
    let upper = REVOKED_SESSION.to_uppercase();
    for (name, about, member, value) in [
        (
            "session_in_upper_case",
            "Ids are compared byte by byte: this is another session.",
            "sid",
            upper.as_str(),
        ),
        (
            "token_named_as_a_revoked_session",
            "A revoked session is no revoked token.",
            "jti",
            REVOKED_SESSION,
        ),
        ("session_named_as_a_revoked_token", "A revoked token is no revoked session.", "sid", REVOKED_TOKEN),
        ("user_named_as_a_revoked_session", "A revoked session is no revoked user.", "sub", REVOKED_SESSION),
        (
            "session_named_as_a_revoked_client",
            "A revoked client is no revoked session.",
            "sid",
            REVOKED_CLIENT,
        ),
    ] {
        cases.accept(name, about, with_claims(&claims().with_text(member, value)));
    }
}

fn clients(cases: &mut Cases) {
    let of_client = |iat: String| -> Object {
        client_claims()
            .with_text("sub", REVOKED_CLIENT)
            .with_text("client_id", REVOKED_CLIENT)
            .with("iat", iat)
    };
    for (name, about, iat) in [
        ("revoked_client", "Issued before the client was revoked.", (REVOKED_AT - 1).to_string()),
        ("revoked_client_at_the_edge", "Issued in the second of the revocation.", REVOKED_AT.to_string()),
        ("revoked_client_fraction_at_the_edge", "A fraction is dropped.", format!("{REVOKED_AT}.9")),
    ] {
        cases.reject(TokenError::Revoked, name, about, with_claims(&of_client(iat)));
    }
    let about = "Issued one second after the client was revoked, so after it was allowed again.";
    let token = with_claims(&of_client((REVOKED_AT + 1).to_string()));
    cases.accept("client_allowed_again", about, token);
    let users = claims().with_text("client_id", REVOKED_CLIENT);
    let about = "A user's token that was issued to the revoked client.";
    cases.reject(TokenError::Revoked, "revoked_client_of_a_user", about, with_claims(&users));
    let about = "A user's token that was issued to the client after it was allowed again.";
    let token = with_claims(&users.with("iat", REVOKED_AT + 1));
    cases.accept("client_of_a_user_allowed_again", about, token);
    let another = REVOKED_CLIENT.to_uppercase();
    let token = with_claims(&claims().with_text("client_id", &another));
    cases.accept("client_in_upper_case", "Ids are compared byte by byte: this is another client.", token);
}
