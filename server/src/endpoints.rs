//! Handlers that both servers have.

use actix_web::web::Json;
use serde::Serialize;

use goptri::actix::Bearer;

/// The body of `GET /currentuser`: the user of the access token, or `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentUser {
    current_user: Option<User>,
}

#[derive(Debug, Serialize)]
struct User {
    id: String,
    email: Option<String>,
    roles: Vec<String>,
}

/// The handler of `GET /currentuser`. A client's own token has no user.
pub async fn current_user(caller: Option<Bearer>) -> Json<CurrentUser> {
    let user = caller.as_ref().and_then(|caller| caller.user()).map(|user| User {
        id: user.id.clone(),
        email: user.email.clone(),
        roles: user.roles.clone(),
    });
    Json(CurrentUser { current_user: user })
}

/// The body of `/healthz` and `/readyz`.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

impl Health {
    /// The server is up, or ready.
    pub const OK: Self = Self { status: "ok" };
}

/// The handler of `GET /healthz`, which succeeds while the process runs.
pub async fn healthz() -> Json<Health> {
    Json(Health::OK)
}
