//! `POST /users`: registration.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use auth_domain::{Password, UserId};
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::flow::SelfRegister;

#[derive(Deserialize)]
pub(crate) struct Body {
    email: String,
    password: Plain<Password>,
}

#[derive(Serialize)]
struct Registered {
    id: UserId,
    email: String,
}

/// 201 with the id of the new user.
pub(crate) async fn register(
    flow: Data<SelfRegister>,
    from: ClientAddress,
    body: JsonObject<Body>,
) -> Result<impl Responder, Failure> {
    let Body { email, password } = body.0;
    let user = flow.run(email, password, from.ip()).await?;
    let registered = Registered { id: user.id, email: user.email.as_str().to_owned() };
    Ok(HttpResponse::build(StatusCode::CREATED).json(registered))
}
