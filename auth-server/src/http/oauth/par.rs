//! `POST /par`: takes an authorization request from the application itself (RFC 9126).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::PUSHED_LIFETIME;
use goptri_server::{ClientAddress, LimitedBody};
use serde_json::json;

use super::{Form, PresentedClient};
use crate::error::Failure;
use crate::flow::oauth::PushRequest;

/// What authenticates the client. It is not stored.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// 201 with the `request_uri` for `/authorize`.
pub(crate) async fn push(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<PushRequest>,
) -> Result<HttpResponse, Failure> {
    let form = Form::parse(&body)?;
    let PresentedClient { credentials, is_basic } = PresentedClient::parse(request.headers(), &form)?;
    let query = form.to_query_without(&CREDENTIALS)?;
    let pushed = flow.run(&credentials, query, ClientAddress::of(&request).ip()).await;
    let uri = pushed.map_err(|failure| is_basic.add_challenge(failure.into()))?;
    let expires_in = PUSHED_LIFETIME.num_seconds();
    Ok(HttpResponse::Created().json(json!({ "request_uri": uri.expose(), "expires_in": expires_in })))
}
