//! The bearer middleware (RFC 6750 §2.1): verifies the access token of each request once and attaches its claims. The
//! token is in the `Authorization` header or in the session cookie.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};

use super::cookies::{set_private, set_vary};
use crate::access_claims::AccessClaims;
use crate::bearer::{self, BearerCheck, Rejection, TokenLocation, VerificationResult};
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
    /// Rejects requests without a valid access token. If the token is in the session cookie, also rejects an unsafe
    /// request (not `GET`, `HEAD` or `OPTIONS`, or one that opens a WebSocket) unless its headers say that it comes
    /// from the same origin, from one of the cookie's
    /// [allowed origins](crate::cookie::SessionCookie::allowed_origins), or from no page
    /// ([`may_use_cookies`](crate::cookie::may_use_cookies)).
    pub fn required(guard: Guard) -> Self {
        Self { guard, optional: false }
    }

    /// Accepts requests with and without a valid access token, and attaches the claims of a valid one. Responds 400 to
    /// two `Authorization` headers, 403 to an unsafe request with the session cookie that
    /// [`required`](Self::required) rejects, and 503 while the guard cannot decide.
    pub fn optional(guard: Guard) -> Self {
        Self { guard, optional: true }
    }
}

/// Verifies the access token of a request as the middleware does, and returns its claims. `method` is the method of
/// this request or, in a forward-auth handler, of the request that the proxy asks about.
///
/// # Errors
/// As the middleware; 401 without a token.
pub fn authenticate(
    guard: &Guard,
    request: &HttpRequest,
    method: &str,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    let verified = bearer::check(guard, request.headers(), method).verified;
    let verified = attach_reason(request, verified);
    request.extensions_mut().insert(VerificationResult(verified.clone()));
    verified
}

/// Attaches the reason of a rejection to the request, for [`verification`](super::verification).
fn attach_reason(
    request: &HttpRequest,
    verified: Result<Arc<AccessClaims>, Rejection>,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    verified.map_err(|Rejection { error, reason }| {
        if let Some(reason) = reason {
            request.extensions_mut().insert(reason);
        }
        error
    })
}

/// Tells caches what the response depends on.
fn with_cache_headers<B>(location: TokenLocation, mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    match location {
        TokenLocation::Header => {}
        TokenLocation::Cookie => set_private(response.headers_mut()),
        TokenLocation::None => set_vary(response.headers_mut()),
    }
    response
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

/// The service that [`BearerAuth`] wraps around another.
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
        let method = request.method().as_str();
        let BearerCheck { location, verified } = bearer::check(&self.auth.guard, request.headers(), method);
        let ends_request =
            verified.as_ref().is_err_and(|rejection| rejection.ends_request(self.auth.optional));
        match attach_reason(request.request(), verified) {
            Err(error) if ends_request => {
                let rejected = with_cache_headers(location, request.into_response(error.error_response()));
                Either::Left(ready(Ok(rejected.map_into_right_body())))
            }
            verified => {
                request.extensions_mut().insert(VerificationResult(verified));
                let pass: fn(ServiceResponse<B>) -> _ = match location {
                    TokenLocation::Header => ServiceResponse::map_into_left_body,
                    TokenLocation::Cookie => {
                        |response| with_cache_headers(TokenLocation::Cookie, response).map_into_left_body()
                    }
                    TokenLocation::None => {
                        |response| with_cache_headers(TokenLocation::None, response).map_into_left_body()
                    }
                };
                Either::Right(self.inner.call(request).map_ok(pass))
            }
        }
    }
}
