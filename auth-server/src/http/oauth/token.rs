//! `POST /token` for applications (RFC 6749 §3.2).

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use goptri::ProtocolError;
use goptri_settings::Plain;

use super::{Form, PresentedClient};
use crate::error::Failure;
use crate::flow::Device;
use crate::flow::oauth::{GrantTokens, PresentedCode, PresentedGrant, PresentedRefreshToken};
use crate::http::tokens::TokenResponse;

/// 200 with the tokens of an application's session.
pub(crate) async fn grant(
    headers: &HeaderMap,
    form: Form,
    device: Device,
    flow: &GrantTokens,
) -> Result<HttpResponse, Failure> {
    let form = form.without_repetitions()?;
    let PresentedClient { credentials, is_basic } = PresentedClient::parse(headers, &form)?;
    let grant = presented(&form)?;
    match flow.run(&credentials, grant, device).await {
        Ok(tokens) => Ok(HttpResponse::Ok().json(TokenResponse::from(tokens))),
        Err(failure) => Err(is_basic.add_challenge(failure.into())),
    }
}

fn presented(form: &Form) -> Result<PresentedGrant, ProtocolError> {
    let resources = form.all("resource").map(str::to_owned).collect();
    Ok(match form.required("grant_type")? {
        "authorization_code" => PresentedGrant::Code(PresentedCode {
            code: Plain::new(form.required("code")?.to_owned()),
            redirect_uri: form.get("redirect_uri").unwrap_or_default().to_owned(),
            verifier: Plain::new(form.required("code_verifier")?.to_owned()),
            resources,
        }),
        "refresh_token" => PresentedGrant::Refresh(PresentedRefreshToken {
            token: Plain::new(form.required("refresh_token")?.to_owned()),
            scope: form.get("scope").map(str::to_owned),
            resources,
        }),
        _ => PresentedGrant::Unsupported,
    })
}
