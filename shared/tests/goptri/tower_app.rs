//! A service of axum behind the bearer layer, for the tests to call.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use goptri::tower::{BearerAuth, Require};
use goptri::{AccessClaims, Guard, Permission, Requirement};
use http1::Request;
use tower::ServiceExt;

use test_support::Answer;

use crate::protected_app::guard;

type Caller = Extension<Arc<AccessClaims>>;

struct PhotosWrite;
impl Permission for PhotosWrite {
    const REQUIRES: Requirement = Requirement::Scope("photos:write");
}

async fn me(Extension(caller): Caller) -> String {
    caller.subject().to_owned()
}

async fn who(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "anonymous".to_owned(), |Extension(caller)| caller.subject().to_owned())
}

async fn claims(Extension(caller): Caller) -> Json<AccessClaims> {
    Json((*caller).clone())
}

fn app(guard: Guard) -> Router {
    let required = Router::new()
        .route("/me", any(me))
        .route("/claims", get(claims))
        .route("/photos", any(|| async { "photos" }).layer(Require::scope("photos:read")))
        .route("/upload", any(|| async { "uploaded" }).layer(Require::permission::<PhotosWrite>()))
        .route("/edit", any(|| async { "edited" }).layer(Require::role("editor")))
        .route(
            "/administer",
            any(|| async { "administered" }).layer(Require::new(Requirement::Role("admin"))),
        )
        .layer(BearerAuth::required(guard.clone()));
    let optional = Router::new()
        .route("/who", any(who))
        .route("/me", any(me).layer(Require::new(Requirement::AnyToken)))
        .layer(BearerAuth::optional(guard.clone()));
    // The inner layer decides.
    let nested = Router::new()
        .route("/who", any(who))
        .layer(BearerAuth::optional(foreign_guard()))
        .layer(BearerAuth::required(guard));
    Router::new()
        .nest("/api", required)
        .nest("/open", optional)
        .nest("/nested", nested)
        .route("/me", any(me))
        .route("/required", any(me).layer(Require::new(Requirement::AnyToken)))
        .route("/who", any(who))
}

/// A guard of another service, which rejects the tokens of the tests.
fn foreign_guard() -> Guard {
    let builder = Guard::builder().issuer("https://auth.example").audience("https://other.example");
    builder.secret(test_support::forge::OTHER_SECRET).build().unwrap()
}

pub(crate) fn get_path(path: &str) -> http1::request::Builder {
    Request::get(path)
}

pub(crate) fn bearing_token(path: &str, token: &str) -> http1::request::Builder {
    Request::get(path).header("Authorization", format!("Bearer {token}"))
}

pub(crate) async fn call_tower(request: http1::request::Builder) -> Answer {
    call_tower_guarded(request, guard()).await
}

pub(crate) async fn call_tower_guarded(request: http1::request::Builder, guard: Guard) -> Answer {
    let response = app(guard).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Answer::new(head.status.as_u16(), head.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
}
