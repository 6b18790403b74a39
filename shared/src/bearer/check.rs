//! Verifies the access token of a request once. The token is in the `Authorization` header or in the session cookie.

use std::sync::Arc;

use super::headers::{RequestHeaders, check_origin, credential_or_cookie};
use crate::access_claims::AccessClaims;
use crate::credential::Credential;
use crate::guard::Guard;
use crate::permission::Requirement;
use crate::protocol_error::{Challenge, ProtocolError};
use crate::token_error::TokenError;

/// The verified claims of a request, or why it has none.
pub(crate) struct BearerCheck {
    pub(crate) location: TokenLocation,
    pub(crate) verified: Result<Arc<AccessClaims>, Rejection>,
}

/// Why a request has no caller.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    /// The error that the client sees.
    pub(crate) error: ProtocolError,
    /// Why its token was rejected, if it had one.
    pub(crate) reason: Option<TokenError>,
}

/// The result of the middleware, attached to the request.
#[derive(Debug, Clone)]
pub(crate) struct VerificationResult(pub(crate) Result<Arc<AccessClaims>, ProtocolError>);

/// Where a request has its access token. Decides what caches may do with the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenLocation {
    /// In the `Authorization` header: the response depends on no cookie.
    Header,
    /// In the session cookie: the response is private.
    Cookie,
    /// Nowhere: the same request with a session cookie could get another response.
    None,
}

impl TokenLocation {
    fn of(credential: Credential<'_>) -> Self {
        match credential {
            Credential::Cookie(_) | Credential::TwoCookies => Self::Cookie,
            Credential::Bearer(_) | Credential::MalformedBearer | Credential::TwoAuthorizationHeaders => {
                Self::Header
            }
            Credential::None | Credential::Basic | Credential::Unsupported => Self::None,
        }
    }
}

impl From<ProtocolError> for Rejection {
    fn from(error: ProtocolError) -> Self {
        Self { error, reason: None }
    }
}

impl Rejection {
    /// Returns whether the middleware responds with this error instead of passing the request on. With an optional
    /// token, an invalid one counts as none.
    pub(crate) fn ends_request(&self, optional: bool) -> bool {
        !optional || self.error.status != 401
    }
}

/// Verifies the credential of a request.
pub(crate) fn check(guard: &Guard, headers: &impl RequestHeaders, method: &str) -> BearerCheck {
    let credential = credential_or_cookie(headers, guard.session_cookie());
    BearerCheck {
        location: TokenLocation::of(credential),
        verified: verify(guard, headers, method, credential),
    }
}

fn verify(
    guard: &Guard,
    headers: &impl RequestHeaders,
    method: &str,
    credential: Credential<'_>,
) -> Result<Arc<AccessClaims>, Rejection> {
    let verified = match credential {
        Credential::Cookie(value) => {
            // First, so that a page of another origin does not learn whether the cookie is valid.
            check_origin(headers, method, guard.session_cookie())?;
            guard.verify_cookie(value)
        }
        Credential::TwoCookies => Err(TokenError::TwoCookies),
        credential => guard.verify(credential.bearer_token()?.ok_or(ProtocolError::MISSING_TOKEN)?),
    };
    verified.map_err(|reason| {
        tracing::info!(%reason, "access token rejected");
        Rejection { error: reason.into(), reason: Some(reason) }
    })
}

/// The claims, if the access token of a request on this path meets `requirement`.
pub(crate) fn authorize(
    result: Option<&VerificationResult>,
    requirement: Requirement,
    path: &str,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    let Some(VerificationResult(verified)) = result else {
        tracing::error!(
            path,
            "this route needs a caller, but no BearerAuth wraps it; the request is rejected"
        );
        return Err(ProtocolError::MISSING_TOKEN);
    };
    let claims = verified.as_ref().map_err(Clone::clone)?;
    if requirement.is_met_by(claims) {
        return Ok(Arc::clone(claims));
    }
    Err(match requirement {
        Requirement::Scope(scope) => {
            ProtocolError::INSUFFICIENT_SCOPE.with_challenge(Challenge::Scope(scope))
        }
        Requirement::AnyToken | Requirement::Role(_) => ProtocolError::INSUFFICIENT_SCOPE,
    })
}
