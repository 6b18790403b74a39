//! `DELETE /logout`: ends one session, or all sessions of the user. `DELETE /token` does so with the refresh cookie,
//! which browsers send to no other path.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::credential::Credential;
use goptri_server::{BodyKind, JsonObject, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;

use super::cookies::{CookieKind, Cookies, private};
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
    cookies: Data<Cookies>,
) -> Result<HttpResponse, Failure> {
    let everywhere = everywhere(&request)?;
    let refresh_token = refresh_token(&body)?;
    let refresh_token = refresh_token.as_ref().map(Plain::expose);
    if refresh_token.is_none()
        && let Some(access_token) = cookies.access_token(&request)
    {
        let ended = async {
            cookies.check_origin(&request)?;
            let access_token = access_token?;
            let presented =
                PresentedTokens { refresh_token: None, access_token: Some(access_token.expose()) };
            end(everywhere, presented, &one, &all).await
        };
        return Ok(cookies.signed_out(&request, CookieKind::Access, ended.await));
    }
    let access_token = access_token(&request, refresh_token.is_some())?;
    end(everywhere, PresentedTokens { refresh_token, access_token }, &one, &all).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// As [`sign_out`], with the refresh cookie.
pub(crate) async fn sign_out_by_refresh_cookie(
    request: HttpRequest,
    one: Data<SignOut>,
    all: Data<SignOutEverywhere>,
    cookies: Data<Cookies>,
) -> HttpResponse {
    let token = match cookies.refresh_token_to_end(&request) {
        Ok(token) => token,
        Err(error) => return private(Err(error.into())),
    };
    let ended = async {
        cookies.check_origin(&request)?;
        let presented = PresentedTokens { refresh_token: Some(token.expose()), access_token: None };
        end(everywhere(&request)?, presented, &one, &all).await
    };
    cookies.signed_out(&request, CookieKind::Refresh, ended.await)
}

fn everywhere(request: &HttpRequest) -> Result<bool, ProtocolError> {
    let parameters = Query::<Parameters>::from_query(request.query_string()).map_err(|_| SIGN_OUT_QUERY)?;
    Ok(parameters.everywhere)
}

async fn end(
    everywhere: bool,
    presented: PresentedTokens<'_>,
    one: &SignOut,
    all: &SignOutEverywhere,
) -> Result<(), Failure> {
    if everywhere { Ok(all.run(presented).await?) } else { Ok(one.run(presented).await?) }
}

/// The access token in the header. Beside a refresh token, a malformed header is ignored. `Basic` is always rejected,
/// because its sender expects it to count.
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
