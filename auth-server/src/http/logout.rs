//! `DELETE /logout`: signing out, of one session or of all.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use serde::Deserialize;

use super::token::TokenBody;
use crate::flow::{Failure, Presented, SignOut, SignOutEverywhere};

/// One who asks for more than there is must not believe that it was done.
const BAD_QUERY: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "The query of a sign-out is everywhere=true, everywhere=false, or nothing.",
);

/// `?everywhere=true` ends all sessions of the person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    everywhere: bool,
}

/// 204, also when the session had ended already; everywhere, only for a session that has not.
pub(super) async fn sign_out(
    request: HttpRequest,
    body: LimitedBody,
    one: Data<SignOut>,
    all: Data<SignOutEverywhere>,
) -> Result<HttpResponse, Failure> {
    let query: Query = serde_urlencoded::from_str(request.query_string()).map_err(|_| BAD_QUERY)?;
    let refresh_token = match body.kind {
        _ if body.bytes.is_empty() => None,
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token()?,
        BodyKind::Form | BodyKind::Other => return Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE.into()),
    };
    let access_token = credential(request.headers()).bearer_token()?;
    let presented = Presented { refresh_token: refresh_token.as_deref(), access_token };
    let ended = if query.everywhere { all.run(presented).await } else { one.run(presented).await };
    ended.map(|()| HttpResponse::NoContent().finish())
}
