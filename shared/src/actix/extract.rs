//! What a handler asks for: `Bearer<PhotosRead>` in its signature, and it cannot forget to check.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::AccessClaims;
use crate::protocol_error::{Challenge, ProtocolError};
use crate::scope::{AnyToken, Needs, Permission};

/// Who calls: the verified claims of the access token, attached to the request by
/// [`BearerAuth`](super::BearerAuth).
#[derive(Debug, Clone)]
pub struct Caller(Arc<AccessClaims>);

impl Caller {
    pub(super) fn new(claims: Arc<AccessClaims>) -> Self {
        Self(claims)
    }
}

impl Deref for Caller {
    type Target = AccessClaims;

    fn deref(&self) -> &AccessClaims {
        &self.0
    }
}

/// A caller who has the permission `P`.
///
/// Refuses with 403 who lacks it, and with 401 who has no good token. On a route outside the middleware there
/// is no caller, so it refuses everybody, and says so in the log. `Option<Bearer>` is for routes that answer
/// to anybody.
#[derive(Debug)]
pub struct Bearer<P: Permission = AnyToken> {
    caller: Caller,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Deref for Bearer<P> {
    type Target = AccessClaims;

    fn deref(&self) -> &AccessClaims {
        &self.caller
    }
}

impl<P: Permission> FromRequest for Bearer<P> {
    type Error = ProtocolError;
    type Future = Ready<Result<Self, ProtocolError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request, P::NEEDS).map(|caller| Self { caller, permission: PhantomData }))
    }
}

/// The caller, if the access token fulfils `needs`; for middleware. A handler takes a [`Bearer`] instead.
///
/// # Errors
/// 401 without a valid token, 403 if it lacks the permission.
pub fn authorize(request: &HttpRequest, needs: Needs) -> Result<Caller, ProtocolError> {
    let extensions = request.extensions();
    let Some(Checked(checked)) = extensions.get() else {
        tracing::error!(
            path = request.path(),
            "this route asks for a Bearer, but no BearerAuth wraps it; refused"
        );
        return Err(ProtocolError::MISSING_TOKEN);
    };
    let caller = checked.as_ref().map_err(Clone::clone)?;
    if needs.met_by(caller) {
        return Ok(caller.clone());
    }
    Err(match needs {
        Needs::Scope(scope) => ProtocolError::INSUFFICIENT_SCOPE.challenge(Challenge::Scope(scope)),
        Needs::AnyToken | Needs::Role(_) => ProtocolError::INSUFFICIENT_SCOPE,
    })
}

/// That the middleware was here, and what it found.
#[derive(Debug)]
pub(super) struct Checked(pub(super) Result<Caller, ProtocolError>);
