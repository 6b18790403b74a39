//! `POST /users`: registration.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use auth_domain::{Password, UserId};
use goptri::ProtocolError;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::{Deserialize, Serialize};

use crate::flow::{Failure, Register, Registration};
use crate::throttle::Throttle;

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
pub(crate) struct OpenRegistration {
    pub(crate) register: Option<Register>,
    pub(crate) throttle: Throttle,
}

/// 201 with the new person's id.
pub(super) async fn register(
    registration: Data<OpenRegistration>,
    from: ClientAddress,
    body: JsonObject<Body>,
) -> Result<impl Responder, Failure> {
    let register = registration.register.as_ref().ok_or(REGISTRATION_CLOSED)?;
    let turn = registration.throttle.registration(from).inspect_err(|_| {
        tracing::info!(ip = %from, reason = "too many registrations from this address", "registration refused");
    })?;
    let Body { email, password } = body.0;
    let registration = Registration { email, email_verified: false, password, roles: Vec::new() };
    let user = turn.record_outcome(register.run(registration).await)?;
    let registered = Registered { id: user.id, email: user.email.as_str().to_owned() };
    Ok(HttpResponse::build(StatusCode::CREATED).json(registered))
}
