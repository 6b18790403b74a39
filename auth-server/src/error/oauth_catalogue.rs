//! The errors of the authorization server: of applications at `/token`, `/revoke` and `/par`.

use goptri::ProtocolError;
use goptri_server::catalogue;

catalogue! {
    pub(super) fn oauth_errors;

    CLIENT_NOT_AUTHENTICATED = ProtocolError::new(
        401,
        "invalid_client",
        "The client is unknown, or its credentials are missing or wrong.",
    );
    "`POST /token`, `POST /revoke`, `POST /par`: no client has this `client_id`, or it authenticates in another way, or its secret or assertion is wrong. The log has the reason.";
    "Correct the client's credentials. `auth-server client show` says how the client authenticates.";

    TWO_CLIENT_AUTHENTICATIONS = ProtocolError::new(
        400,
        "invalid_request",
        "The request authenticates the client in more than one way, or names two clients; use one.",
    );
    "`POST /token`, `POST /revoke`, `POST /par`: the request has two of `Authorization: Basic`, `client_secret` and `client_assertion`, or its `client_id` is not the client of the other credentials.";
    "Send one of them.";

    UNSUPPORTED_CLIENT_GRANT = ProtocolError::new(
        400,
        "unsupported_grant_type",
        "This grant_type is not supported; use authorization_code or refresh_token.",
    );
    "`POST /token` of an application: another `grant_type`. There is no password grant.";
    "Use `authorization_code` with PKCE.";

    INVALID_CODE = ProtocolError::new(
        400,
        "invalid_grant",
        "The code is unknown, expired, already used, or was issued to another client; ask the user again.",
    );
    "`POST /token` with a code: this client cannot redeem it. The second use of a code ends the session that the first use opened.";
    "Send the user to `/authorize` again.";

    WRONG_VERIFIER = ProtocolError::new(
        400,
        "invalid_grant",
        "The code_verifier is not that of the code_challenge in the authorization request.",
    );
    "`POST /token` with a code: `code_verifier` does not match. The code can still be redeemed.";
    "Send the verifier that belongs to this request: 43 to 128 unreserved characters (RFC 7636).";

    OTHER_REDIRECT_URI = ProtocolError::new(
        400,
        "invalid_grant",
        "The redirect_uri is not that of the authorization request.",
    );
    "`POST /token` with a code: `redirect_uri` is missing or is not that of the request. The code can still be redeemed.";
    "Repeat the `redirect_uri` of the request, byte for byte.";

    INVALID_SCOPE = ProtocolError::new(
        400,
        "invalid_scope",
        "The scope is malformed, or has more than the user granted.",
    );
    "`POST /token` with a refresh token: `scope` is malformed, or has a word that the session does not have. The refresh token is not replaced.";
    "Send fewer words, or no `scope`. For more, send the user to `/authorize`.";

    INVALID_PUSHED_REQUEST = ProtocolError::new(
        400,
        "invalid_request",
        "The authorization request is not one that this client may send.",
    );
    "`POST /par`: `/authorize` would reject the request. The code is the one that `/authorize` would return, such as `invalid_scope`; the sentence says what is wrong.";
    "Correct the request.";

    INVALID_TARGET = ProtocolError::new(
        400,
        "invalid_target",
        "The resource is not the API for which these tokens were granted.",
    );
    "`POST /token`: `resource` is another API. A token is for one API.";
    "Leave `resource` out, or send the user to `/authorize` for the other API.";
}
