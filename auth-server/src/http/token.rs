//! `POST /token`: refreshing, by JSON or by form (RFC 6749 §6).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Json};
use auth_domain::ClientId;
use goptri::actix::credential;
use goptri::{Challenge, Credential, FIRST_PARTY_CLIENT, ProtocolError};
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use serde::Deserialize;

use crate::flow::{Failure, Refresh, Tokens};

const ONE_TOKEN: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "Send the refresh token once, as refresh_token (in JSON also as token).",
);
const UNSUPPORTED_GRANT_TYPE: ProtocolError = ProtocolError::new(
    400,
    "unsupported_grant_type",
    "The grant_type is none that is offered here; refresh_token is.",
);
const INVALID_CLIENT: ProtocolError =
    ProtocolError::new(401, "invalid_client", "No client with these credentials is registered here.");

/// 200 with the next pair of tokens.
pub(super) async fn refresh(
    request: HttpRequest,
    body: LimitedBody,
    flow: Data<Refresh>,
) -> Result<Json<Tokens>, Failure> {
    refuse_client_credentials(request.headers())?;
    let token = match body.kind {
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token()?.ok_or(ONE_TOKEN)?,
        BodyKind::Form => Form::parse(&body.bytes)?.refresh_token()?,
        BodyKind::Other => return Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE.into()),
    };
    flow.run(&token, ClientId::first_party()).await.map(Json)
}

/// Nobody is registered as a client. A bearer token is no client's credential: an app that adds its expired access
/// token to every request must still be able to refresh.
fn refuse_client_credentials(headers: &HeaderMap) -> Result<(), ProtocolError> {
    match credential(headers) {
        Credential::Conflict => Err(ProtocolError::TWO_CREDENTIALS),
        Credential::None | Credential::MalformedBearer => Ok(()),
        Credential::Bearer(token) if !token.is_empty() => Ok(()),
        _ => Err(INVALID_CLIENT.challenge(Challenge::Basic)),
    }
}

/// The refresh token in JSON, under either of its names.
#[derive(Deserialize)]
pub(super) struct TokenBody {
    refresh_token: Option<String>,
    token: Option<String>,
}

impl TokenBody {
    /// The token, if there is one. Two are refused, even if they are the same.
    pub(super) fn token(self) -> Result<Option<String>, ProtocolError> {
        match (self.refresh_token, self.token) {
            (Some(_), Some(_)) => Err(ONE_TOKEN),
            (one, other) => Ok(one.or(other)),
        }
    }
}

/// The fields of a form, each at most once; an empty one counts as absent (RFC 6749 §3.2).
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    refresh_token: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, ProtocolError> {
        serde_urlencoded::from_bytes(body).map_err(|_| ProtocolError::MALFORMED_FORM)
    }

    fn refresh_token(self) -> Result<String, ProtocolError> {
        match self.grant_type.as_str() {
            "refresh_token" => {}
            "" => return Err(ProtocolError::MALFORMED_FORM),
            _ => return Err(UNSUPPORTED_GRANT_TYPE),
        }
        if !self.client_secret.is_empty()
            || !(self.client_id.is_empty() || self.client_id == FIRST_PARTY_CLIENT)
        {
            return Err(INVALID_CLIENT);
        }
        if self.refresh_token.is_empty() { Err(ONE_TOKEN) } else { Ok(self.refresh_token) }
    }
}
