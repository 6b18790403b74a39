//! Verifies the access token of a request once. The token is in the `Authorization` header or in the session cookie.

use std::sync::Arc;

use super::fields::{Fields, check_sender, credential_or_cookie};
use crate::access_claims::AccessClaims;
use crate::credential::Credential;
use crate::guard::Guard;
use crate::permission::Needs;
use crate::protocol_error::{Challenge, ProtocolError};
use crate::token_error::TokenError;

/// The verified claims of a request, or why it has none.
pub(crate) struct BearerCheck {
    pub(crate) carrier: Carrier,
    pub(crate) checked: Result<Arc<AccessClaims>, Refusal>,
}

/// Why a request has no caller.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The error that the client sees.
    pub(crate) error: ProtocolError,
    /// Why its token was rejected, if it had one.
    pub(crate) reason: Option<TokenError>,
}

/// The result of the middleware, attached to the request.
#[derive(Debug, Clone)]
pub(crate) struct VerificationResult(pub(crate) Result<Arc<AccessClaims>, ProtocolError>);

/// Where the access token of a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The response depends on no cookie.
    Header,
    /// The response is private.
    Cookie,
    /// A cookie could change the response.
    Nothing,
}

impl Carrier {
    fn of(credential: Credential<'_>) -> Self {
        match credential {
            Credential::Cookie(_) | Credential::TwoCookies => Self::Cookie,
            Credential::Bearer(_) | Credential::MalformedBearer | Credential::Conflict => Self::Header,
            Credential::None | Credential::Basic | Credential::Unsupported => Self::Nothing,
        }
    }
}

impl From<ProtocolError> for Refusal {
    fn from(error: ProtocolError) -> Self {
        Self { error, reason: None }
    }
}

impl Refusal {
    /// Returns whether the middleware responds with this error. If a token is optional, an invalid one counts as none.
    pub(crate) fn is_final(&self, optional: bool) -> bool {
        !optional || self.error.status != 401
    }
}

/// Verifies the credential of a request.
pub(crate) fn check(guard: &Guard, headers: &impl Fields, method: &str) -> BearerCheck {
    let credential = credential_or_cookie(headers, guard.session_cookie());
    BearerCheck { carrier: Carrier::of(credential), checked: verify(guard, headers, method, credential) }
}

fn verify(
    guard: &Guard,
    headers: &impl Fields,
    method: &str,
    credential: Credential<'_>,
) -> Result<Arc<AccessClaims>, Refusal> {
    let verified = match credential {
        Credential::Cookie(value) => {
            // First, so that a foreign page does not learn whether the cookie is valid.
            check_sender(headers, method, guard.session_cookie())?;
            guard.verify_cookie(value)
        }
        Credential::TwoCookies => Err(TokenError::TwoCookies),
        credential => guard.verify(credential.bearer_token()?.ok_or(ProtocolError::MISSING_TOKEN)?),
    };
    verified.map_err(|reason| {
        tracing::info!(%reason, "access token rejected");
        Refusal { error: reason.into(), reason: Some(reason) }
    })
}

/// The claims, if the access token of a request on this path meets `needs`.
pub(crate) fn authorize(
    result: Option<&VerificationResult>,
    needs: Needs,
    path: &str,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    let Some(VerificationResult(checked)) = result else {
        tracing::error!(
            path,
            "this route needs a caller, but no BearerAuth wraps it; the request is rejected"
        );
        return Err(ProtocolError::MISSING_TOKEN);
    };
    let claims = checked.as_ref().map_err(Clone::clone)?;
    if needs.met_by(claims) {
        return Ok(Arc::clone(claims));
    }
    Err(match needs {
        Needs::Scope(scope) => ProtocolError::INSUFFICIENT_SCOPE.challenge(Challenge::Scope(scope)),
        Needs::AnyToken | Needs::Role(_) => ProtocolError::INSUFFICIENT_SCOPE,
    })
}
