//! `POST /login`: signs in with e-mail address and password.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use auth_domain::Password;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::Deserialize;

use super::cookies::{Cookies, private};
use super::tokens::TokenResponse;
use crate::error::{Failure, NOT_ONE_ADDRESS};
use crate::flow::{Device, SignIn, TokenStorage};

/// Longer `User-Agent` headers are truncated.
const MAX_USER_AGENT_CHARS: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Body {
    email: Option<String>,
    username: Option<String>,
    password: Plain<Password>,
    #[serde(default)]
    cookie: bool,
    #[serde(default)]
    remember: bool,
}

/// 200 with the tokens of a new session, in the body or in cookies.
pub(crate) async fn sign_in(
    request: HttpRequest,
    flow: Data<SignIn>,
    cookies: Data<Cookies>,
    RequestDevice(device): RequestDevice,
    body: JsonObject<Body>,
) -> Result<HttpResponse, Failure> {
    let Body { email, username, password, cookie, remember } = body.0;
    let ((Some(email), None) | (None, Some(email))) = (email, username) else {
        return Err(NOT_ONE_ADDRESS.into());
    };
    if !cookie {
        let storage = TokenStorage { remember, max_access_token: None };
        let tokens = flow.run(&email, password, device, storage).await?;
        return Ok(HttpResponse::Ok().json(TokenResponse::from(tokens)));
    }
    cookies.check_origin(&request)?;
    let storage = TokenStorage { remember, max_access_token: Some(cookies.max_access_token()) };
    let tokens = flow.run(&email, password, device, storage).await?;
    Ok(private(cookies.deliver(&tokens)))
}

/// The device, as the request describes it.
pub(crate) struct RequestDevice(pub(crate) Device);

impl FromRequest for RequestDevice {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|name| name.to_str().ok());
        ready(Ok(Self(Device {
            user_agent: user_agent.map(|name| name.chars().take(MAX_USER_AGENT_CHARS).collect()),
            address: ClientAddress::of(request).ip(),
        })))
    }
}
