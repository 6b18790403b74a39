//! `POST /revoke`: ends the session of a token (RFC 7009).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use goptri_server::{ClientAddress, LimitedBody};

use super::{Form, PresentedClient};
use crate::error::Failure;
use crate::flow::oauth::EndApplicationSession;

/// 200 without a body, whether the token was valid or not (RFC 7009 §2.2).
pub(crate) async fn revoke(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<EndApplicationSession>,
) -> Result<HttpResponse, Failure> {
    let form = Form::parse(&body)?;
    let PresentedClient { credentials, is_basic } = PresentedClient::parse(request.headers(), &form)?;
    let token = form.required("token")?;
    let revoked = flow.run(&credentials, token, ClientAddress::of(&request).ip()).await;
    revoked.map_err(|failure| is_basic.add_challenge(failure.into()))?;
    Ok(HttpResponse::Ok().finish())
}
