//! `DELETE /logout`: ends one session, or all sessions of the user.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::credential::Credential;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;

use super::tokens::TokenBody;
use crate::error::{CLIENT_CREDENTIALS, Failure, SIGN_OUT_QUERY};
use crate::flow::{PresentedTokens, RefreshToken, SignOut, SignOutEverywhere};

/// `?everywhere=true`. Anything else is rejected, so that no client believes that more ended than did.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default)]
    everywhere: bool,
}

/// 204, also if the session has already ended. With `everywhere`, the session must be live.
pub(crate) async fn sign_out(
    request: HttpRequest,
    body: LimitedBody,
    one: Data<SignOut>,
    all: Data<SignOutEverywhere>,
) -> Result<HttpResponse, Failure> {
    let parameters = Query::<Parameters>::from_query(request.query_string()).map_err(|_| SIGN_OUT_QUERY)?;
    let refresh_token = refresh_token(&body)?;
    let refresh_token = refresh_token.as_ref().map(Plain::expose);
    let access_token = access_token(&request, refresh_token.is_some())?;
    let presented = PresentedTokens { refresh_token, access_token };
    if parameters.everywhere {
        all.run(presented).await?;
    } else {
        one.run(presented).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Beside a refresh token, a malformed header does not decide. `Basic` is always rejected: its sender believes that it
/// counts.
fn access_token(request: &HttpRequest, has_refresh_token: bool) -> Result<Option<&str>, ProtocolError> {
    match credential(request.headers()) {
        Credential::Basic => Err(CLIENT_CREDENTIALS),
        Credential::MalformedBearer if has_refresh_token => Ok(None),
        credential => credential.bearer_token(),
    }
}

fn refresh_token(body: &LimitedBody) -> Result<Option<Plain<RefreshToken>>, ProtocolError> {
    match body.kind {
        _ if body.bytes.is_empty() => Ok(None),
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token(),
        BodyKind::Form | BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
    }
}
