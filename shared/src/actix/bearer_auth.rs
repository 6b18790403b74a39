//! The bearer middleware (RFC 6750 §2.1): verifies the access token of each request once and attaches its claims.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use actix_web::{Error, HttpMessage, ResponseError};
use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};

use super::extract::VerificationResult;
use crate::access_claims::AccessClaims;
use crate::credential::Credential;
use crate::guard::Guard;
use crate::protocol_error::ProtocolError;

/// Middleware for a scope of routes:
///
/// ```
/// use actix_web::{App, web};
/// use goptri::actix::{Bearer, BearerAuth};
/// use goptri::{Environment, Guard};
///
/// async fn invoices(caller: Bearer) -> String {
///     format!("The invoices of {}", caller.subject())
/// }
///
/// let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET", "0123456789abcdef-never-use-this-one")]);
/// let guard = Guard::from_environment(&environment).expect("a secret of at least 32 bytes");
/// let app = App::new().service(
///     web::scope("/api").wrap(BearerAuth::required(guard)).route("/invoices", web::get().to(invoices)),
/// );
/// ```
#[derive(Debug, Clone)]
pub struct BearerAuth {
    guard: Guard,
    optional: bool,
}

impl BearerAuth {
    /// Rejects requests without a valid access token.
    pub fn required(guard: Guard) -> Self {
        Self { guard, optional: false }
    }

    /// Accepts every request, and attaches the claims of a valid token. Still responds 503 while the guard cannot
    /// decide, and 400 for two credentials.
    pub fn optional(guard: Guard) -> Self {
        Self { guard, optional: true }
    }

    fn authenticate(&self, request: &ServiceRequest) -> Result<Arc<AccessClaims>, ProtocolError> {
        let token = credential(request.headers()).bearer_token()?.ok_or(ProtocolError::MISSING_TOKEN)?;
        self.guard.verify(token).map_err(|error| {
            tracing::info!(reason = %error, "access token rejected");
            request.extensions_mut().insert(error);
            error.into()
        })
    }
}

/// The credential of a request with these headers.
pub fn credential(headers: &HeaderMap) -> Credential<'_> {
    Credential::from_authorization(headers.get_all(AUTHORIZATION).map(HeaderValue::as_bytes))
}

impl<S, B> Transform<S, ServiceRequest> for BearerAuth
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = BearerAuthMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<BearerAuthMiddleware<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(BearerAuthMiddleware { auth: self.clone(), inner }))
    }
}

/// A service behind [`BearerAuth`].
#[derive(Debug)]
pub struct BearerAuthMiddleware<S> {
    auth: BearerAuth,
    inner: S,
}

type Passed<F, B> = MapOk<F, fn(ServiceResponse<B>) -> ServiceResponse<EitherBody<B>>>;

impl<S, B> Service<ServiceRequest> for BearerAuthMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Either<Ready<Result<Self::Response, Error>>, Passed<S::Future, B>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let checked = self.auth.authenticate(&request);
        match checked {
            Err(error) if !self.auth.optional || error.status != 401 => {
                Either::Left(ready(Ok(request.into_response(error.error_response()).map_into_right_body())))
            }
            checked => {
                request.extensions_mut().insert(VerificationResult(checked));
                Either::Right(self.inner.call(request).map_ok(ServiceResponse::map_into_left_body))
            }
        }
    }
}
