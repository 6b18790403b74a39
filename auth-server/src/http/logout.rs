//! `DELETE /logout`: signing out.

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::presented_token;
use goptri::server::LimitedBody;

use super::token::TokenBody;
use crate::flow::{Failure, Presented, SignOut};

/// 204, also when the session had ended already.
pub(super) async fn sign_out(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<SignOut>,
) -> Result<HttpResponse, Failure> {
    let refresh_token = match (request.content_type(), body.0.as_ref()) {
        (_, b"") => None,
        ("application/json", body) => TokenBody::parse(body)?.token()?,
        _ => return Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE.into()),
    };
    let access_token = presented_token(request.headers())?;
    flow.run(Presented { refresh_token: refresh_token.as_deref(), access_token }).await?;
    Ok(HttpResponse::NoContent().finish())
}
