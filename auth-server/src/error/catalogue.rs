//! Every error that clients of auth-server see, with its status, code, sentence and documentation.

use goptri::ProtocolError;
use goptri_server::{CatalogueRow, catalogue, common_errors};

/// The whole catalogue: the errors of this server, after those that every server sends.
pub fn catalogue() -> Vec<CatalogueRow> {
    let forms = CatalogueRow::new(
        ProtocolError::MALFORMED_FORM,
        "The form at `/token`, `/revoke` or `/par` cannot be parsed, lacks a field such as `grant_type`, has a field twice, or has more than 64 fields.",
        "Correct the form.",
    );
    let mut rows = common_errors();
    rows.push(forms);
    rows.extend(own_errors());
    rows.extend(super::oauth_catalogue::oauth_errors());
    rows
}

catalogue! {
    fn own_errors;

    WRONG_CREDENTIALS = ProtocolError::new(401, "invalid_credentials", "The e-mail address or the password is wrong.");
    "`POST /login`: no enabled user has this address and password.";
    "Ask the user again.";

    WRONG_CURRENT_PASSWORD = ProtocolError::new(403, "invalid_credentials", "The current password is wrong.");
    "`POST /password`: the access token is valid, and `current_password` is wrong.";
    "Ask the user again. Refreshing does not help.";

    TOO_MANY_ATTEMPTS = ProtocolError::new(
        429,
        "too_many_requests",
        "Too many attempts; try again after the seconds in the Retry-After header.",
    );
    "Too many attempts from this IP address have failed, on this account or on all accounts together.";
    "Wait for the seconds in `Retry-After`. Until then, attempts are rejected without a check of the password.";

    INVALID_GRANT = ProtocolError::new(
        400,
        "invalid_grant",
        "The refresh token is invalid, expired or revoked; sign in again.",
    );
    "`POST /token`: the refresh token is malformed or forged, or its session has ended.";
    "Discard the token and sign in again.";

    OVERTAKEN = ProtocolError::new(
        503,
        "temporarily_unavailable",
        "Newer refresh tokens of this session were issued moments ago; send the newest one.",
    );
    "`POST /token`: the request arrived after two or more newer refreshes of its session, and its token was replaced less than `REFRESH_GRACE` ago. The session continues.";
    "Send the newest refresh token that you stored. Do not send this one again: after `Retry-After`, it ends the session.";

    SECRET_WITHOUT_CLIENT = ProtocolError::new(401, "invalid_client", "The client is not registered here.");
    "`POST /token` with a form: the request has a `client_secret` without a `client_id`, or for `goptri`, which has none.";
    "Refresh without client credentials, or send the `client_id` of the application.";

    CLIENT_CREDENTIALS = ProtocolError::new(
        400,
        "invalid_request",
        "Client credentials are not accepted here; send the request without Authorization: Basic.",
    );
    "`POST /token` with JSON, `DELETE /logout`: the request has `Authorization: Basic`.";
    "Leave the header out.";

    UNSUPPORTED_GRANT_TYPE = ProtocolError::new(
        400,
        "unsupported_grant_type",
        "This grant_type is not supported; use refresh_token.",
    );
    "`POST /token`: a form with another `grant_type` than `refresh_token`.";
    "Use `grant_type=refresh_token`.";

    NOT_ONE_REFRESH_TOKEN = ProtocolError::new(
        400,
        "invalid_request",
        "Send the refresh token once, as refresh_token (in JSON also as token).",
    );
    "`POST /token`, `DELETE /logout`: the refresh token is missing or sent under two names.";
    "Send it once.";

    NO_REFRESH_COOKIE = ProtocolError::new(
        400,
        "invalid_grant",
        "The request has no cookie with a refresh token; sign in again.",
    );
    "`POST /token` with `cookie` and without a refresh token: the browser has no refresh cookie, or did not send it.";
    "Sign in again. A page of another site must use bearer tokens: browsers never send the cookie for it.";

    TWO_REFRESH_COOKIES = ProtocolError::new(
        400,
        "invalid_request",
        "The request has two cookies with refresh tokens.",
    );
    "`POST /token`, `DELETE /token`: another host of the domain has set a cookie of this name, too.";
    "Delete the cookies of this site. The operator looks for the host that sets it.";

    COOKIES_IGNORED = ProtocolError::new(
        400,
        "invalid_request",
        "Cookies beside an Authorization header are ignored; leave the header out.",
    );
    "`POST /token` with `cookie` and without a refresh token: the request has an `Authorization` header.";
    "Leave the header out.";

    COOKIE_TOO_LARGE = ProtocolError::new(
        422,
        "cookie_too_large",
        "The access token of this user does not fit into a cookie; sign in without cookies, or with fewer roles.",
    );
    "`POST /login`, `POST /token` with `cookie`: the user has so many roles that browsers would not store the cookie. No session is opened or ended.";
    "The operator removes roles from the user, or the client uses bearer tokens.";

    NOT_ONE_ADDRESS = ProtocolError::new(400, "invalid_request", "Send either email or username, and a password.");
    "`POST /login`: the body has both `email` and `username`, or neither.";
    "Send one of them.";

    NOTHING_TO_SIGN_OUT = ProtocolError::new(
        400,
        "invalid_request",
        "Send the refresh token in the body, the access token in the Authorization header, or a cookie.",
    );
    "`DELETE /logout`: the request has no token. `DELETE /token`: it has no refresh cookie, or an Authorization header.";
    "Send a token of the session to end.";

    TWO_SESSIONS = ProtocolError::new(
        400,
        "invalid_request",
        "The two tokens belong to different sessions; send one of them.",
    );
    "`DELETE /logout`: the tokens in the body and in the header name different sessions.";
    "Send one of them.";

    SIGN_OUT_QUERY = ProtocolError::new(
        400,
        "invalid_request",
        "The query must be everywhere=true, everywhere=false, or empty.",
    );
    "`DELETE /logout`, `DELETE /token`: the query has another parameter or value. Nothing ends.";
    "Correct the query.";

    PAGE_QUERY = ProtocolError::new(
        400,
        "invalid_request",
        "The query may have only the parameter after, with the value of next in the previous page.",
    );
    "`GET /sessions`, `GET /revocations`: the query has another parameter or value.";
    "Pass `next` of the previous page as `after`.";

    UNKNOWN_APPLICATION = ProtocolError::new(
        400,
        "invalid_request",
        "The authorization request names no client that is registered here.",
    );
    "`GET /authorize`: `client_id` is missing, repeated or unknown. The user sees a page; nothing is sent to the client.";
    "The developer of the application corrects `client_id`.";

    UNREGISTERED_REDIRECT_URI = ProtocolError::new(
        400,
        "invalid_request",
        "The authorization request names no redirect URI of its client.",
    );
    "`GET /authorize`: `redirect_uri` is missing, repeated or not registered, character by character. The user sees a page; nothing is sent to that address.";
    "The developer of the application corrects `redirect_uri`, or the operator registers it.";

    UNUSABLE_REQUEST_URI = ProtocolError::new(
        400,
        "invalid_request",
        "The request_uri is unknown, expired, used, or another client's.",
    );
    "`GET /authorize`: no request was pushed to `/par` with this `request_uri`, or it was pushed more than 90 s ago, or a code was issued for it. The user sees a page.";
    "The application starts again.";

    REGISTRATION_CLOSED = ProtocolError::new(
        403,
        "registration_closed",
        "Registration is closed; ask an administrator for an account.",
    );
    "`POST /users`: the server runs with `REGISTRATION=closed`.";
    "An administrator adds users with `auth-server user add`.";

    EMAIL_TAKEN = ProtocolError::new(409, "email_taken", "This e-mail address is already registered.");
    "`POST /users`: another user has this address.";
    "Sign in, or use another address.";

    INVALID_EMAIL = ProtocolError::new(422, "invalid_email", "This is not a valid e-mail address.");
    "`POST /users`: the e-mail address is invalid. The sentence says what an address looks like.";
    "Ask the user again.";

    WEAK_PASSWORD = ProtocolError::new(422, "weak_password", "This password is not allowed.");
    "`POST /users`, `POST /password`: the password is too short, too long or too common. The sentence says which.";
    "Ask the user for another password.";

    NOT_MIGRATED = ProtocolError::new(
        503,
        "not_migrated",
        "The database schema is not up to date; run auth-server migrate.",
    )
    .with_retry_after(5);
    "The server runs with `AUTO_MIGRATE=off` on a database without the latest migrations, or the keys of e-mail addresses are being recomputed.";
    "The operator runs `auth-server migrate`.";

    DATABASE_READS_FAIL = ProtocolError::new(
        503,
        "temporarily_unavailable",
        "The database cannot be read; the log of the server has the cause.",
    )
    .with_retry_after(1);
    "`GET /readyz`: the database does not answer, or rejects the connection or the query. The sentence names the host, if there are several.";
    "The operator looks at the log.";

    DATABASE_WRITES_FAIL = ProtocolError::new(
        503,
        "temporarily_unavailable",
        "The database commits no writes; the log of the server has the cause.",
    )
    .with_retry_after(1);
    "`GET /readyz`: the database is read-only, its disk is full, or a write does not end within 2 s. Of several hosts, the sentence names the one that is used.";
    "The operator looks at the log.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_error_has_one_row_with_a_whole_sentence_everywhere() {
        let mut seen = HashSet::new();
        for CatalogueRow { error, when, remedy } in catalogue() {
            assert!(seen.insert((error.code, error.description.clone())), "two rows: {error}");
            for sentence in [&*error.description, when, remedy] {
                assert!(!sentence.contains('|'), "breaks the table: {sentence}");
            }
            assert!(error.description.ends_with('.') && remedy.ends_with('.'), "{error}");
        }
    }
}
