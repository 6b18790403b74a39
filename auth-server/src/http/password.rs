//! `POST /password`: somebody changes their own password.

use actix_web::HttpResponse;
use actix_web::web::Data;
use auth_domain::Password;
use goptri_server::{ClientAddress, JsonObject};
use goptri_settings::Plain;
use serde::Deserialize;

use crate::flow::{Account, ChangePassword, Failure};

#[derive(Deserialize)]
pub(super) struct Body {
    current_password: Plain<Password>,
    new_password: Plain<Password>,
}

/// 204; all other sessions have ended.
pub(super) async fn change(
    account: Account,
    from: ClientAddress,
    flow: Data<ChangePassword>,
    body: JsonObject<Body>,
) -> Result<HttpResponse, Failure> {
    let Body { current_password, new_password } = body.0;
    flow.run(&account, from, &current_password, &new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}
