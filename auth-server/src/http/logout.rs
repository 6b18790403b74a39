//! `DELETE /logout`: signing out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::presented_token;
use goptri::server::{BodyKind, JsonObject, LimitedBody};

use super::token::TokenBody;
use crate::flow::{Failure, Presented, SignOut};

/// One who asks for more than this does must not believe that it was done.
const NO_QUERY: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "Signing out takes no query; it ends the one session that the token names.",
);

/// 204, also when the session had ended already.
pub(super) async fn sign_out(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<SignOut>,
) -> Result<HttpResponse, Failure> {
    if !request.query_string().is_empty() {
        return Err(NO_QUERY.into());
    }
    let refresh_token = match body.kind {
        _ if body.bytes.is_empty() => None,
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token()?,
        BodyKind::Form | BodyKind::Other => return Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE.into()),
    };
    let access_token = presented_token(request.headers())?;
    flow.run(Presented { refresh_token: refresh_token.as_deref(), access_token }).await?;
    Ok(HttpResponse::NoContent().finish())
}
