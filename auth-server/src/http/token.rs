//! `POST /token`: refreshes a session, by JSON or by form (RFC 6749 §6).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Json};
use auth_domain::ClientId;
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::credential::Credential;
use goptri::protocol_error::Challenge;
use goptri::token::FIRST_PARTY_CLIENT;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;

use super::tokens::{TokenBody, TokenResponse};
use crate::error::{
    CLIENT_CREDENTIALS, Failure, INVALID_CLIENT, NOT_ONE_REFRESH_TOKEN, UNSUPPORTED_GRANT_TYPE,
};
use crate::flow::{Refresh, RefreshToken};

/// 200 with the next pair of tokens.
pub(crate) async fn refresh(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<Refresh>,
) -> Result<Json<TokenResponse>, Failure> {
    refuse_client_credentials(request.headers(), body.kind)?;
    let token = presented(&body)?;
    let tokens = flow.run(token.expose(), ClientId::first_party()).await?;
    Ok(Json(tokens.into()))
}

fn presented(body: &LimitedBody) -> Result<Plain<RefreshToken>, ProtocolError> {
    match body.kind {
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token()?.ok_or(NOT_ONE_REFRESH_TOKEN),
        BodyKind::Form => Form::parse(&body.bytes)?.refresh_token(),
        BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
    }
}

/// No client is registered, so that `Basic` is rejected: in a form as RFC 6749 §5.2 says, in JSON without a challenge,
/// which would make a browser ask for a password. Other headers are ignored, whatever they contain: an app that attaches
/// its expired access token, or `Bearer null`, to every request must still be able to refresh.
fn refuse_client_credentials(headers: &HeaderMap, body: BodyKind) -> Result<(), ProtocolError> {
    match (credential(headers), body) {
        (Credential::Conflict, _) => Err(ProtocolError::TWO_CREDENTIALS),
        (Credential::Basic, BodyKind::Form) => Err(INVALID_CLIENT.challenge(Challenge::Basic)),
        (Credential::Basic, BodyKind::Json) => Err(CLIENT_CREDENTIALS),
        _ => Ok(()),
    }
}

/// The fields of a form, each at most once; an empty one counts as absent (RFC 6749 §3.2).
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    grant_type: String,
    refresh_token: Option<Plain<RefreshToken>>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, ProtocolError> {
        serde_urlencoded::from_bytes(body).map_err(|_| ProtocolError::MALFORMED_FORM)
    }

    fn refresh_token(self) -> Result<Plain<RefreshToken>, ProtocolError> {
        match self.grant_type.as_str() {
            "refresh_token" => {}
            "" => return Err(ProtocolError::MALFORMED_FORM),
            _ => return Err(UNSUPPORTED_GRANT_TYPE),
        }
        let first_party = self.client_id.is_empty() || self.client_id == FIRST_PARTY_CLIENT;
        if !first_party || !self.client_secret.is_empty() {
            return Err(INVALID_CLIENT);
        }
        self.refresh_token.filter(|token| !token.expose().is_empty()).ok_or(NOT_ONE_REFRESH_TOKEN)
    }
}
