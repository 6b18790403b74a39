//! The answers that are the same on both servers: that the process is up, and who the caller is.

use actix_web::web::Json;
use serde::Serialize;

use goptri::actix::Bearer;

/// `GET /currentuser`: the person behind the access token, or `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentUser {
    current_user: Option<Person>,
}

#[derive(Debug, Serialize)]
struct Person {
    id: String,
    email: Option<String>,
    roles: Vec<String>,
}

/// The handler of `GET /currentuser`. A client's own token has no person behind it.
pub async fn current_user(caller: Option<Bearer>) -> Json<CurrentUser> {
    let person = caller.as_ref().and_then(|caller| caller.user()).map(|user| Person {
        id: user.id.clone(),
        email: user.email.clone(),
        roles: user.roles.clone(),
    });
    Json(CurrentUser { current_user: person })
}

/// The body of `/healthz` and `/readyz`.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

impl Health {
    /// All is well.
    pub const OK: Self = Self { status: "ok" };
}

/// The handler of `GET /healthz`: the process is up.
pub async fn healthz() -> Json<Health> {
    Json(Health::OK)
}
