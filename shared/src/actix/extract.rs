//! The extractor `Bearer<P>`: a handler that has it in its signature cannot forget the check.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::access_claims::AccessClaims;
use crate::bearer::{self, VerificationResult};
use crate::guard::Guard;
use crate::permission::{AnyToken, Permission, Requirement};
use crate::protocol_error::ProtocolError;
use crate::token_error::TokenError;

/// The claims of a caller who has the permission `P`.
///
/// Responds 401 without a valid token and 403 without the permission. On a route outside
/// [`BearerAuth`](super::BearerAuth) it rejects every request and logs an error. Use `Option<Bearer>` on routes that
/// are also for anonymous callers.
#[derive(Debug)]
pub struct Bearer<P: Permission = AnyToken> {
    claims: Arc<AccessClaims>,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Bearer<P> {
    /// Checks again whether the caller's token has expired or was revoked ([`Guard::recheck`]), for handlers that work
    /// for a long time before their effect, such as a write.
    ///
    /// # Errors
    /// As the middleware: 401 if the token has expired or was revoked meanwhile, 503 while that is unknown.
    pub fn recheck(&self, guard: &Guard) -> Result<(), ProtocolError> {
        guard.recheck(&self.claims).map_err(|error| {
            tracing::info!(reason = %error, "access token rejected after it was accepted");
            error.into()
        })
    }
}

impl<P: Permission> Deref for Bearer<P> {
    type Target = AccessClaims;

    fn deref(&self) -> &AccessClaims {
        &self.claims
    }
}

impl<P: Permission> FromRequest for Bearer<P> {
    type Error = ProtocolError;
    type Future = Ready<Result<Self, ProtocolError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request, P::REQUIRES).map(|claims| Self { claims, permission: PhantomData }))
    }
}

/// The claims, if the access token meets `requirement`; for middleware. A handler takes a [`Bearer`] instead.
///
/// # Errors
/// 401 without a valid token, 403 if it lacks the permission.
pub fn authorize(
    request: &HttpRequest,
    requirement: Requirement,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    bearer::authorize(request.extensions().get(), requirement, request.path())
}

/// The result of verifying the access token of a request that has passed through [`BearerAuth`](super::BearerAuth), for
/// logs and metrics. `None`: no token was verified, because the request has none, or was rejected before that.
pub fn verification(request: &HttpRequest) -> Option<Result<(), TokenError>> {
    let extensions = request.extensions();
    match extensions.get::<TokenError>() {
        Some(error) => Some(Err(*error)),
        None => matches!(extensions.get(), Some(VerificationResult(Ok(_)))).then_some(Ok(())),
    }
}
