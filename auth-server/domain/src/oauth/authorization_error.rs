//! Why an authorization request fails. Of the two enums, only the second may reach the client.

/// The request has no redirect URI that can be trusted, so the user sees the error and the client does not (AS-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// `client_id` is missing or repeated.
    #[error("client_id is missing or repeated")]
    ClientId,
    /// No client has this id.
    #[error("no client has this client_id")]
    UnknownClient,
    /// `redirect_uri` is missing.
    #[error("redirect_uri is missing")]
    NoRedirectUri,
    /// `redirect_uri` is repeated, or not one that the client has registered.
    #[error("redirect_uri is repeated, or not one of the client's")]
    RedirectUri,
    /// `request_uri` is repeated, or not one of this server (OI-10).
    #[error("request_uri is repeated, or was not issued by this server")]
    RequestUri,
    /// No request was pushed under this `request_uri`, or it can no longer be used.
    #[error("the pushed request is unknown, expired, used, or another client's")]
    NotPushed,
}

/// An error that goes to the client (RFC 6749 §4.1.2.1 and its extensions). Displays as its `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// The request is too long to travel through the pages.
    #[error("The request is too long; it has at most 4096 bytes.")]
    TooLong,
    /// A parameter occurs twice.
    #[error("The parameter {0} occurs twice.")]
    Repeated(&'static str),
    /// A parameter is not UTF-8.
    #[error("The parameter {0} is not UTF-8.")]
    NotText(&'static str),
    /// `response_type` is missing.
    #[error("The parameter response_type is missing.")]
    NoResponseType,
    /// No client may use this `response_type`.
    #[error("This response_type is not supported; use code.")]
    UnsupportedResponseType,
    /// The client may not use this `response_type`.
    #[error("This client may not use this response_type; use code.")]
    UnauthorizedResponseType,
    /// `response_mode` is unknown, or `query` with a token.
    #[error("This response_mode is not supported for this response_type.")]
    ResponseMode,
    /// `code_challenge` is missing (PK-01).
    #[error("The parameter code_challenge is missing: PKCE is required.")]
    NoChallenge,
    /// `code_challenge_method` is not `S256` (PK-02).
    #[error("The code_challenge_method must be S256.")]
    ChallengeMethod,
    /// `code_challenge` is no SHA-256 (PK-03).
    #[error("The code_challenge must be the base64url of a SHA-256, without padding.")]
    Challenge,
    /// `prompt` has an unknown value, or `none` beside another one.
    #[error("The prompt must be none, or any of login, consent and select_account.")]
    Prompt,
    /// `max_age` is not a number.
    #[error("The max_age must be a number of seconds.")]
    MaxAge,
    /// The request has a `request` object.
    #[error("Request objects are not supported.")]
    RequestObject,
    /// A pushed request has a `request_uri`.
    #[error("A pushed request must not contain request_uri.")]
    NestedRequestUri,
    /// The client may not ask for the scope, or it is not registered.
    #[error("The scope is malformed, unknown, or more than this client may ask for.")]
    Scope,
    /// A word of the scope belongs to another API than the token.
    #[error("The scope and the resource belong to different APIs.")]
    ScopeOfAnotherApi,
    /// `resource` is not one of the client's (RFC 8707).
    #[error("The resource is unknown, or not one that this client may ask for.")]
    Target,
    /// The request is for several APIs.
    #[error("A token is for one API; ask for one resource at a time.")]
    SeveralTargets,
    /// `prompt=none`, and the user is not signed in, or not recently enough.
    #[error("The user has to sign in.")]
    LoginRequired,
    /// `prompt=none`, and the user has not allowed it yet.
    #[error("The user has to consent.")]
    ConsentRequired,
    /// The user said no.
    #[error("The user did not allow it.")]
    AccessDenied,
}

impl AuthorizationError {
    /// The value of `error`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong
            | Self::Repeated(_)
            | Self::NotText(_)
            | Self::NoResponseType
            | Self::ResponseMode
            | Self::NoChallenge
            | Self::ChallengeMethod
            | Self::Challenge
            | Self::Prompt
            | Self::MaxAge
            | Self::NestedRequestUri => "invalid_request",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnauthorizedResponseType => "unauthorized_client",
            Self::RequestObject => "request_not_supported",
            Self::Scope | Self::ScopeOfAnotherApi => "invalid_scope",
            Self::Target | Self::SeveralTargets => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccessDenied => "access_denied",
        }
    }
}
