//! `POST /login`: signs in with e-mail address and password.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::{Data, Json};
use actix_web::{FromRequest, HttpRequest};
use auth_domain::Password;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::Deserialize;

use super::tokens::TokenResponse;
use crate::error::{Failure, NOT_ONE_ADDRESS};
use crate::flow::{Device, SignIn};

/// Longer `User-Agent` headers are truncated.
const MAX_USER_AGENT_CHARS: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Body {
    email: Option<String>,
    username: Option<String>,
    password: Plain<Password>,
}

/// 200 with the tokens of a new session.
pub(crate) async fn sign_in(
    flow: Data<SignIn>,
    RequestDevice(device): RequestDevice,
    body: JsonObject<Body>,
) -> Result<Json<TokenResponse>, Failure> {
    let Body { email, username, password } = body.0;
    let ((Some(email), None) | (None, Some(email))) = (email, username) else {
        return Err(NOT_ONE_ADDRESS.into());
    };
    let tokens = flow.run(&email, password, device).await?;
    Ok(Json(tokens.into()))
}

/// The device, as the request describes it.
pub(crate) struct RequestDevice(Device);

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
