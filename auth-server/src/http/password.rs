//! `POST /password`: changes the caller's password.

use actix_web::HttpResponse;
use actix_web::web::Data;
use auth_domain::Password;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::Deserialize;

use crate::error::Failure;
use crate::flow::{Account, ChangePassword};

#[derive(Deserialize)]
pub(crate) struct Body {
    current_password: Plain<Password>,
    new_password: Plain<Password>,
}

/// 204; all other sessions of the user have ended.
pub(crate) async fn change(
    account: Account,
    from: ClientAddress,
    flow: Data<ChangePassword>,
    body: JsonObject<Body>,
) -> Result<HttpResponse, Failure> {
    let Body { current_password, new_password } = body.0;
    flow.run(&account, from.ip(), &current_password, &new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}
