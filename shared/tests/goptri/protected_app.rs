//! A service behind the bearer middleware, for the tests to call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use chrono::{DateTime, Utc};
use goptri::actix::{Bearer, BearerAuth};
use goptri::clock::Clock;
use goptri::{Guard, Permission, Requirement};

use test_support::Answer;
use test_support::forge::{NOW, at, stopped_clock, verifier};

/// Counts the reads, one per verified token.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountingClock(Arc<AtomicUsize>);

impl CountingClock {
    pub(crate) fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for CountingClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.fetch_add(1, Ordering::SeqCst);
        at(NOW)
    }
}

struct PhotosRead;
impl Permission for PhotosRead {
    const REQUIRES: Requirement = Requirement::Scope("photos:read");
}

struct PhotosWrite;
impl Permission for PhotosWrite {
    const REQUIRES: Requirement = Requirement::Scope("photos:write");
}

struct Editor;
impl Permission for Editor {
    const REQUIRES: Requirement = Requirement::Role("editor");
}

struct Admin;
impl Permission for Admin {
    const REQUIRES: Requirement = Requirement::Role("admin");
}

async fn me(caller: Bearer) -> String {
    caller.subject().to_owned()
}

async fn photos(_: Bearer<PhotosRead>) -> &'static str {
    "photos"
}

async fn upload(_: Bearer<PhotosWrite>) -> &'static str {
    "uploaded"
}

async fn edit(_: Bearer<Editor>) -> &'static str {
    "edited"
}

async fn administer(_: Bearer<Admin>) -> &'static str {
    "administered"
}

async fn thrice(one: Bearer, two: Bearer<PhotosRead>, three: Option<Bearer>) -> String {
    format!("{} {} {}", one.subject(), two.jti, three.unwrap().scope)
}

async fn claims(caller: Bearer) -> web::Json<goptri::AccessClaims> {
    web::Json((*caller).clone())
}

async fn who(caller: Option<Bearer>) -> String {
    caller.map_or_else(|| "anonymous".to_owned(), |caller| caller.subject().to_owned())
}

pub(crate) fn guard() -> Guard {
    Guard::new(verifier(), stopped_clock()).with_token_cache(100)
}

pub(crate) async fn call(request: TestRequest) -> Answer {
    call_guarded(request, guard()).await
}

pub(crate) async fn call_guarded(request: TestRequest, guard: Guard) -> Answer {
    let required = web::scope("/api")
        .wrap(BearerAuth::required(guard.clone()))
        .route("/me", web::to(me))
        .route("/photos", web::to(photos))
        .route("/upload", web::to(upload))
        .route("/edit", web::to(edit))
        .route("/administer", web::to(administer))
        .route("/thrice", web::to(thrice))
        .route("/claims", web::to(claims));
    let optional = web::scope("/open")
        .wrap(BearerAuth::optional(guard))
        .route("/who", web::to(who))
        .route("/me", web::to(me));
    let app =
        App::new().service(required).service(optional).route("/me", web::to(me)).route("/who", web::to(who));
    Answer::of_app(call_service(&init_service(app).await, request.to_request()).await).await
}
