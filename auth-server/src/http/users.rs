//! `POST /users`: registration.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use auth_domain::{Password, UserId};
use goptri::server::JsonObject;
use goptri::{Plain, ProtocolError};
use serde::{Deserialize, Serialize};

use crate::flow::{Failure, Register, Registration};

const REGISTRATION_CLOSED: ProtocolError = ProtocolError::new(
    403,
    "registration_closed",
    "Nobody can register here by themselves; ask an administrator.",
);

#[derive(Deserialize)]
pub(super) struct Body {
    email: String,
    password: Plain<Password>,
}

#[derive(Serialize)]
struct Registered {
    id: UserId,
    email: String,
}

/// Registration, if it is open.
#[derive(Clone)]
pub(crate) struct OpenRegistration(pub(crate) Option<Register>);

/// 201 with the new person's id.
pub(super) async fn register(
    registration: Data<OpenRegistration>,
    body: JsonObject<Body>,
) -> Result<impl Responder, Failure> {
    let register = registration.0.as_ref().ok_or(REGISTRATION_CLOSED)?;
    let Body { email, password } = body.0;
    let user =
        register.run(Registration { email, email_verified: false, password, roles: Vec::new() }).await?;
    let registered = Registered { id: user.id, email: user.email.as_str().to_owned() };
    Ok(HttpResponse::build(StatusCode::CREATED).json(registered))
}
