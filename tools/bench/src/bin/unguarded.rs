//! api-server's `GET /me` and `GET /verify` without their guard, the limit for a protected call; and a constant page.
//!
//! The handlers do the same work, the response has the same headers and a body of the same length, and the route has the
//! same middleware around it. A separate program, so that it does not share a process with the driver.

#![expect(clippy::print_stderr, reason = "why it did not start")]

use std::process::ExitCode;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data, Json};
use actix_web::{App, HttpResponse, HttpServer};
use api_server::forward_auth::identity_headers;
use bench::example_claims;
use goptri::actix::set_private;
use goptri::origin::Origins;
use goptri::token::NumericDate;
use goptri::{AccessClaims, Guard, Scope};
use goptri_server::{
    Access, RequestObserver, Route, UnknownPath, healthz, log_to_stderr, mount, request_log, response_policy,
    stop_signal,
};
use goptri_settings::{Environment, Settings};
use serde::Serialize;

/// As in api-server.
#[derive(Serialize)]
struct Me {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    roles: Vec<String>,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    exp: NumericDate,
}

async fn me(caller: Data<AccessClaims>) -> Json<Me> {
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

async fn verify(caller: Data<AccessClaims>) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    for header in identity_headers(&caller) {
        response.insert_header(header);
    }
    let mut response = response.finish();
    set_private(response.headers_mut());
    response
}

/// The bytes of `PAGE_FILE`.
async fn page(page: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.get_ref().clone())
}

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/me", Access::Public, me),
        Route::new(Method::GET, "/verify", Access::Public, verify),
        Route::new(Method::GET, "/sign-in", Access::Public, page),
        Route::new(Method::GET, "/healthz", Access::Public, healthz),
    ]
}

#[actix_web::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("unguarded: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let environment = Environment::load()?;
    let settings = Settings::new(&environment);
    log_to_stderr(&settings);
    let address = settings.address("API_SERVER_ADDR", "127.0.0.1:0");
    let requests = request_log(&settings).map(|log| RequestObserver::new(&routes(), log));
    let (address, requests) = settings.into_result(address.zip(requests))?;
    // Required by `mount`, but not used: these routes are public.
    let guard = Guard::from_environment(&environment)?;
    let caller = Data::new(example_claims());
    let page = environment.get("PAGE_FILE").map(std::fs::read).transpose()?.unwrap_or_default();
    let page = Data::new(Bytes::from(page));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(caller.clone())
            .app_data(page.clone())
            .app_data(Data::new(guard.clone()))
            .configure(mount(
                routes(),
                guard.clone(),
                UnknownPath::NotFound,
                Origins::default(),
                requests.clone(),
            ))
            .wrap(from_fn(response_policy))
    })
    .tcp_nodelay(true)
    .shutdown_signal(stop_signal())
    .bind(address)?;
    let address = server.addrs().first().copied().unwrap_or(address);
    eprintln!("unguarded listens on http://{address}");
    Ok(server.run().await?)
}
