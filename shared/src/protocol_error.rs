//! The shape of every error that a client sees: `{"error": "<code>", "error_description": "<one sentence>"}`
//! (RFC 6749 §5.2), with its status and headers.

use std::borrow::Cow;

use serde::Serialize;

use crate::token_error::TokenError;

/// An error as the client sees it: status, code and sentence. The reason of a rejection is only in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolError {
    /// The HTTP status.
    pub status: u16,
    /// The code for programs.
    pub code: &'static str,
    /// The sentence for developers.
    pub description: Cow<'static, str>,
    /// The `WWW-Authenticate` header.
    pub challenge: Challenge,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u32>,
}

/// The `WWW-Authenticate` of RFC 6750 §3 and RFC 7617 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// The header is not sent.
    None,
    /// `Bearer` without an error code: the request has no token.
    Bare,
    /// `Bearer error="…"`.
    Code,
    /// `Bearer error="…", scope="…"`.
    Scope(&'static str),
    /// `Basic`: the credentials of an OAuth client are invalid (RFC 6749 §5.2).
    Basic,
}

/// The JSON body of a response with a [`ProtocolError`].
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    /// The code for programs.
    pub error: &'static str,
    /// The sentence for developers.
    pub error_description: Cow<'static, str>,
    /// The id under which the log has the cause of an internal error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl ProtocolError {
    /// The request has no token (JV-27).
    pub const MISSING_TOKEN: Self = Self::new(
        401,
        "missing_token",
        "This route needs an access token; send it as Authorization: Bearer and the token.",
    )
    .with_challenge(Challenge::Bare);
    /// The token is invalid. Every reason gets this response (JV-27).
    pub const INVALID_TOKEN: Self =
        Self::new(401, "invalid_token", "The token is malformed, expired, revoked or for another service.")
            .with_challenge(Challenge::Code);
    /// The token is valid and lacks the scope or role.
    pub const INSUFFICIENT_SCOPE: Self = Self::new(
        403,
        "insufficient_scope",
        "The access token lacks the scope or role that this route needs.",
    )
    .with_challenge(Challenge::Code);
    /// Two `Authorization` headers (JV-26).
    pub const TWO_AUTHORIZATION_HEADERS: Self =
        Self::new(400, "invalid_request", "The request has more than one Authorization header; send one.");
    /// The request must not use or set cookies ([`may_use_cookies`](crate::cookie::may_use_cookies); CK-04, CK-13).
    pub const CROSS_SITE_REQUEST: Self = Self::new(
        403,
        "cross_site_request",
        "Requests with cookies that change something must come from a page of this service or of an allowed origin.",
    );
    /// No route has this path.
    pub const NOT_FOUND: Self = Self::new(404, "not_found", "No route has this path.");
    /// The path has routes for other methods only.
    pub const METHOD_NOT_ALLOWED: Self =
        Self::new(405, "method_not_allowed", "Method not allowed; see the Allow header.");
    /// A CORS preflight request asks for a method or header that the route does not accept.
    pub const PREFLIGHT_REJECTED: Self = Self::new(
        400,
        "invalid_request",
        "Pages of other origins cannot send this method or one of these headers to this route.",
    );
    /// The JSON body cannot be parsed.
    pub const MALFORMED_BODY: Self = Self::new(
        400,
        "invalid_request",
        "The body must be a JSON object; a member is missing, occurs twice or has the wrong type, or the body is not JSON.",
    );
    /// The JSON body or the form begins with a byte order mark.
    pub const BYTE_ORDER_MARK: Self = Self::new(
        400,
        "invalid_request",
        "The body begins with a byte order mark; send it as UTF-8 without one.",
    );
    /// The form cannot be parsed.
    pub const MALFORMED_FORM: Self = Self::new(
        400,
        "invalid_request",
        "The body must be a form; a field is missing or occurs twice, or the body is not form-encoded.",
    );
    /// The body exceeds the limit.
    pub const BODY_TOO_LARGE: Self = Self::new(413, "payload_too_large", "The body is too large.");
    /// The content type is not supported.
    pub const UNSUPPORTED_MEDIA_TYPE: Self = Self::new(
        415,
        "unsupported_media_type",
        "The Content-Type is not supported here; JSON is application/json.",
    );
    /// The body has a `Content-Encoding`.
    pub const COMPRESSED_BODY: Self = Self::new(
        415,
        "unsupported_media_type",
        "The body has a Content-Encoding; send the body uncompressed.",
    );
    /// The request exceeded its time limit.
    pub const TIMED_OUT: Self =
        Self::new(408, "request_timeout", "The request was not received and answered in time.");
    /// An internal error.
    pub const SERVER_ERROR: Self =
        Self::new(500, "server_error", "Internal error; report the request_id, which the log has too.");
    /// The database is unavailable, the server is overloaded, or a guard cannot decide about a token.
    pub const UNAVAILABLE: Self = Self::new(
        503,
        "temporarily_unavailable",
        "The service is temporarily unavailable; try again after the seconds in the Retry-After header.",
    )
    .with_retry_after(1);

    /// An error without headers.
    ///
    /// # Panics
    /// When `description` has a character that RFC 6749 §5.2 forbids in it; in a constant, that does not compile.
    pub const fn new(status: u16, code: &'static str, description: &'static str) -> Self {
        let bytes = description.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                matches!(bytes[i], 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e),
                "forbidden in error_description"
            );
            i += 1;
        }
        Self {
            status,
            code,
            description: Cow::Borrowed(description),
            challenge: Challenge::None,
            retry_after: None,
        }
    }

    /// The same error with a more specific sentence. Characters that RFC 6749 §5.2 forbids become question marks.
    #[must_use]
    pub fn with_description(mut self, description: &str) -> Self {
        let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
        self.description = description.chars().map(|c| if allowed(c) { c } else { '?' }).collect();
        self
    }

    /// The same error with a `WWW-Authenticate`.
    #[must_use]
    pub const fn with_challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = challenge;
        self
    }

    /// The same error with a `Retry-After`, in seconds.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The value of `WWW-Authenticate`, or `None` if the header is not sent.
    pub fn www_authenticate(&self) -> Option<String> {
        match self.challenge {
            Challenge::None => None,
            Challenge::Bare => Some("Bearer".to_owned()),
            Challenge::Code => Some(format!("Bearer error=\"{}\"", self.code)),
            Challenge::Basic => Some("Basic realm=\"goptri\"".to_owned()),
            Challenge::Scope(scope) => Some(format!("Bearer error=\"{}\", scope=\"{scope}\"", self.code)),
        }
    }

    /// The body to send.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { error: self.code, error_description: self.description.clone(), request_id: None }
    }
}

impl From<TokenError> for ProtocolError {
    /// The error that a client sees if its access token is rejected.
    fn from(error: TokenError) -> Self {
        match error {
            // The token may be valid, and another one would not help.
            TokenError::Stale | TokenError::NotCaughtUp | TokenError::KeysUnavailable => Self::UNAVAILABLE,
            _ => Self::INVALID_TOKEN,
        }
    }
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

impl std::error::Error for ProtocolError {}
