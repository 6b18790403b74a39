//! `DELETE /logout`: ends one session, or all sessions of the user.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;

use super::tokens::TokenBody;
use crate::error::{Failure, SIGN_OUT_QUERY};
use crate::flow::{PresentedTokens, RefreshToken, SignOut, SignOutEverywhere};

/// `?everywhere=true`. Anything else is refused, so that no client believes that more ended than did.
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
    let presented =
        PresentedTokens { refresh_token, access_token: credential(request.headers()).bearer_token()? };
    if parameters.everywhere {
        all.run(presented).await?;
    } else {
        one.run(presented).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

fn refresh_token(body: &LimitedBody) -> Result<Option<Plain<RefreshToken>>, ProtocolError> {
    match body.kind {
        _ if body.bytes.is_empty() => Ok(None),
        BodyKind::Json => JsonObject::<TokenBody>::parse(&body.bytes)?.token(),
        BodyKind::Form | BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
    }
}
