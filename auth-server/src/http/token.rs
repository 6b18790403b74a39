//! `POST /token`: refreshes a session of the built-in client, by JSON or by form (RFC 6749 §6). Forms of applications
//! are handled by [`oauth::token`].

use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::ClientId;
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::credential::Credential;
use goptri::token::BUILT_IN_CLIENT;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;

use super::cookies::{Cookies, private};
use super::login::RequestDevice;
use super::oauth::{self, Form, PresentedClient};
use super::tokens::{TokenBody, TokenResponse};
use crate::error::{
    CLIENT_CREDENTIALS, Failure, NOT_ONE_REFRESH_TOKEN, SECRET_WITHOUT_CLIENT, UNSUPPORTED_GRANT_TYPE,
};
use crate::flow::oauth::GrantTokens;
use crate::flow::{Refresh, RefreshToken};

/// 200 with tokens, for the built-in client or an application.
pub(crate) async fn issue(
    request: HttpRequest,
    body: LimitedBody,
    RequestDevice(device): RequestDevice,
    of_built_in_client: Data<BuiltInClient>,
    of_applications: Data<GrantTokens>,
) -> Result<HttpResponse, Failure> {
    if body.kind == BodyKind::Form {
        let form = Form::decode(&body.bytes)?;
        if PresentedClient::is_in(request.headers(), &form) {
            return oauth::token::grant(request.headers(), form, device, &of_applications).await;
        }
    }
    refresh(&request, &body, &of_built_in_client).await
}

/// What a refresh of the built-in client needs.
pub(crate) struct BuiltInClient {
    pub(crate) flow: Refresh,
    pub(crate) cookies: Cookies,
}

/// 200 with the next pair of tokens, in the body or in cookies.
async fn refresh(
    request: &HttpRequest,
    body: &LimitedBody,
    BuiltInClient { flow, cookies }: &BuiltInClient,
) -> Result<HttpResponse, Failure> {
    refuse_client_credentials(request.headers(), body.kind)?;
    let Presented { token, cookie, remember } = Presented::parse(body)?;
    if cookie {
        return Ok(private(renew(request, token, remember, flow, cookies).await));
    }
    let token = token.ok_or(NOT_ONE_REFRESH_TOKEN)?;
    let tokens = flow.run(token.expose(), ClientId::built_in(), remember).await?;
    Ok(HttpResponse::Ok().json(TokenResponse::from(tokens)))
}

/// Refreshes into cookies. The refresh cookie counts only here, where no token gets into a body (CK-02).
async fn renew(
    request: &HttpRequest,
    token: Option<Plain<RefreshToken>>,
    remember: bool,
    flow: &Refresh,
    cookies: &Cookies,
) -> Result<HttpResponse, Failure> {
    cookies.check_origin(request)?;
    let token = token.map_or_else(|| cookies.refresh_token(request), Ok)?;
    let tokens = flow.run(token.expose(), ClientId::built_in(), remember).await?;
    cookies.deliver(&tokens)
}

/// What a body asks for.
struct Presented {
    token: Option<Plain<RefreshToken>>,
    cookie: bool,
    remember: bool,
}

impl Presented {
    fn parse(body: &LimitedBody) -> Result<Self, ProtocolError> {
        match body.kind {
            BodyKind::Json => {
                let body = JsonObject::<TokenBody>::parse(&body.bytes)?;
                Ok(Self { cookie: body.cookie, remember: body.remember, token: body.token()? })
            }
            BodyKind::Form => {
                let token = Some(RefreshForm::parse(&body.bytes)?.refresh_token()?);
                Ok(Self { token, cookie: false, remember: false })
            }
            BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
        }
    }
}

/// Applications authenticate with forms. In JSON, `Basic` is rejected without a challenge, which would make a browser
/// ask for a password. Other headers are ignored, whatever they contain: an app that attaches its expired access token,
/// or `Bearer null`, to every request must still be able to refresh.
fn refuse_client_credentials(headers: &HeaderMap, body: BodyKind) -> Result<(), ProtocolError> {
    match (credential(headers), body) {
        (Credential::TwoAuthorizationHeaders, _) => Err(ProtocolError::TWO_AUTHORIZATION_HEADERS),
        (Credential::Basic, BodyKind::Json) => Err(CLIENT_CREDENTIALS),
        _ => Ok(()),
    }
}

/// The fields of a form, each at most once; an empty one counts as absent (RFC 6749 §3.2).
#[derive(Deserialize)]
struct RefreshForm {
    #[serde(default)]
    grant_type: String,
    refresh_token: Option<Plain<RefreshToken>>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

impl RefreshForm {
    fn parse(body: &[u8]) -> Result<Self, ProtocolError> {
        serde_urlencoded::from_bytes(body).map_err(|_| ProtocolError::MALFORMED_FORM)
    }

    fn refresh_token(self) -> Result<Plain<RefreshToken>, ProtocolError> {
        match self.grant_type.as_str() {
            "refresh_token" => {}
            "" => return Err(ProtocolError::MALFORMED_FORM),
            _ => return Err(UNSUPPORTED_GRANT_TYPE),
        }
        let is_built_in = self.client_id.is_empty() || self.client_id == BUILT_IN_CLIENT;
        if !is_built_in || !self.client_secret.is_empty() {
            return Err(SECRET_WITHOUT_CLIENT);
        }
        self.refresh_token.filter(|token| !token.expose().is_empty()).ok_or(NOT_ONE_REFRESH_TOKEN)
    }
}
