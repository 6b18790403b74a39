//! `GET /me`: the caller, as the access token describes it.

use actix_web::web::Json;
use goptri::Scope;
use goptri::actix::Bearer;
use goptri::token::NumericDate;
use serde::Serialize;

/// The claims that a client can use.
#[derive(Serialize)]
pub(super) struct Me {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    roles: Vec<String>,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    exp: NumericDate,
}

pub(super) async fn me(caller: Bearer) -> Json<Me> {
    let user = caller.user();
    Json(Me {
        sub: caller.subject().to_owned(),
        email: user.and_then(|user| user.email.clone()),
        roles: user.map(|user| user.roles.clone()).unwrap_or_default(),
        scope: caller.scope.clone(),
        sid: user.map(|user| user.session.clone()),
        exp: caller.exp,
    })
}
