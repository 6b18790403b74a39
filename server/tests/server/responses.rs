//! The headers of every response, and the responses to internal errors.

use std::collections::HashSet;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{init_service, try_call_service};
use actix_web::{App, Error, HttpResponse, ResponseError, dev, web};
use goptri::ProtocolError;
use goptri_server::response_policy;

use test_support::{Answer, get};

/// Part of the cause of every error; no response may contain it.
const MARKER: &str = "select password_hash from users";

#[derive(Debug)]
struct Broken(u16);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MARKER)
    }
}

impl ResponseError for Broken {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0).unwrap()
    }
}

async fn fail() -> Result<&'static str, Broken> {
    Err(Broken(500))
}

async fn fail_by_hand() -> HttpResponse {
    HttpResponse::InternalServerError().body(MARKER)
}

async fn unavailable() -> Result<&'static str, ProtocolError> {
    Err(ProtocolError::UNAVAILABLE)
}

async fn fine() -> &'static str {
    "fine"
}

async fn cached() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=60"))
        .insert_header(("X-Request-Id", "mine"))
        .body("x")
}

/// An inner middleware that returns an error, as one of another crate may do.
async fn inner(
    request: dev::ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<dev::ServiceResponse<impl actix_web::body::MessageBody>, Error> {
    match request.path() {
        "/middleware" => Err(Broken(500).into()),
        "/middleware/teapot" => Err(ProtocolError::NOT_FOUND.into()),
        _ => next.call(request).await,
    }
}

async fn call(path: &str) -> Answer {
    let app = App::new()
        .wrap(from_fn(inner))
        .wrap(from_fn(response_policy))
        .route("/fail", web::to(fail))
        .route("/fail/by-hand", web::to(fail_by_hand))
        .route("/unavailable", web::to(unavailable))
        .route("/fine", web::to(fine))
        .route("/cached", web::to(cached));
    let request = get(path).to_request();
    match try_call_service(&init_service(app).await, request).await {
        Ok(response) => Answer::of_app(response).await,
        // As the server does with what comes out of the outermost middleware.
        Err(error) => Answer::of_app(get(path).to_srv_request().into_response(error.error_response())).await,
    }
}

const ALL: [(&str, u16); 8] = [
    ("/fine", 200),
    ("/cached", 200),
    ("/nowhere", 404),
    ("/fail", 500),
    ("/fail/by-hand", 500),
    ("/unavailable", 503),
    ("/middleware", 500),
    ("/middleware/teapot", 404),
];

#[actix_web::test]
async fn every_response_has_the_security_headers_and_a_request_id_of_its_own() {
    let mut names = HashSet::new();
    for (path, status) in ALL {
        let answer = call(path).await;
        assert_eq!(answer.status, status, "{path}");
        for (header, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
            assert_eq!(answer.header(header), Some(value), "{path}");
        }
        let cached = if path == "/cached" { "max-age=60" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(cached), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let name = answer.header("x-request-id").unwrap();
        assert!(name != "mine" && names.insert(name.to_owned()), "{path}: {name}");
    }
}

/// OP-03, AS-17
#[actix_web::test]
async fn an_internal_error_shows_its_request_id_and_not_its_cause() {
    for path in ["/fail", "/fail/by-hand", "/middleware"] {
        let answer = call(path).await;
        assert!(!format!("{answer:?}").contains("password"), "{path}: {answer:?}");
        let body = &answer.body;
        assert_eq!(
            (answer.error().1, body["request_id"].as_str()),
            ("server_error", answer.header("x-request-id"))
        );
        assert_eq!(body.as_object().unwrap().len(), 3, "{path}: {body}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[actix_web::test]
async fn a_protocol_error_is_not_changed() {
    let away = call("/unavailable").await;
    assert_eq!((away.error().1, away.header("retry-after")), ("temporarily_unavailable", Some("1")));
    assert!(!away.text.contains("request_id"));
    assert_eq!(call("/middleware/teapot").await.error().1, "not_found");
    assert_eq!(call("/fine").await.text, "fine");
}
