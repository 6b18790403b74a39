//! `POST /login`: sign-in with e-mail and password.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::{Data, Json};
use actix_web::{FromRequest, HttpRequest};
use auth_domain::Password;
use goptri::ProtocolError;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::Deserialize;

use crate::flow::{Device, Failure, SignIn, Tokens};

/// A longer name of a browser is cut; nobody reads it to the end.
const USER_AGENT_CHARS: usize = 256;

const ONE_NAME: ProtocolError =
    ProtocolError::new(400, "invalid_request", "Send either email or username, and a password.");

#[derive(Deserialize)]
pub(super) struct Body {
    email: Option<String>,
    username: Option<String>,
    password: Plain<Password>,
}

/// 200 with the tokens of a new session.
pub(super) async fn sign_in(
    flow: Data<SignIn>,
    device: FromDevice,
    body: JsonObject<Body>,
) -> Result<Json<Tokens>, Failure> {
    let Body { email, username, password } = body.0;
    let ((Some(email), None) | (None, Some(email))) = (email, username) else {
        return Err(ONE_NAME.into());
    };
    flow.run(&email, password, device.0).await.map(Json)
}

/// The device as the request shows it.
pub(super) struct FromDevice(Device);

impl FromRequest for FromDevice {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|name| name.to_str().ok());
        let device = Device {
            user_agent: user_agent.map(|name| name.chars().take(USER_AGENT_CHARS).collect()),
            address: ClientAddress::of(request),
        };
        ready(Ok(Self(device)))
    }
}
