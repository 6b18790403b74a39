//! A service with two routes, protected by Goptri.
//!
//! 1. `DEFAULT_SCOPE="photos:read photos:write invoices:read" cargo dev` starts the servers. auth-server grants
//!    `DEFAULT_SCOPE` to every new session, so it must contain the scope that this service requires.
//! 2. `cargo run -p actix-service-example`, in the same folder, starts this service with the secrets of `cargo dev`.
//! 3. Sign in, and call `GET /invoices` with `Authorization: Bearer` and the access token.

use std::error::Error;
use std::fs;

use actix_web::{App, HttpServer, Responder, get, web};
use goptri::actix::{Bearer, BearerAuth};
use goptri::{Environment, Guard, Permission, Requirement};

struct InvoicesRead;

impl Permission for InvoicesRead {
    const REQUIRES: Requirement = Requirement::Scope("invoices:read");
}

#[get("/invoices")]
async fn invoices(caller: Bearer<InvoicesRead>) -> impl Responder {
    format!("The invoices of {}\n", caller.subject())
}

#[get("/hello")]
async fn hello(caller: Bearer) -> impl Responder {
    let email = caller.user().and_then(|user| user.email.as_deref());
    format!("Hello, {}\n", email.unwrap_or(caller.subject()))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Shows why a token is rejected.
    tracing_subscriber::fmt().init();
    let environment = with_dev_secrets(Environment::load()?);
    // Fetches the public keys of auth-server, and follows its revocation feed: a sign-out takes effect within moments.
    let guard = Guard::from_environment_with_feed(&environment)?;
    let server = HttpServer::new(move || {
        App::new().service(
            web::scope("").wrap(BearerAuth::required(guard.clone())).service(invoices).service(hello),
        )
    })
    .bind(environment.get("ADDR").unwrap_or("127.0.0.1:5001"))?;
    for address in server.addrs() {
        tracing::info!("listening on http://{address}");
    }
    Ok(server.run().await?)
}

/// Adds the secrets of `cargo dev`, if it has run in this folder. In production, set `ACCESS_TOKEN_SECRET` or
/// `AUTH_SERVER_URL`, and `FEED_SECRET`, as for api-server.
fn with_dev_secrets(environment: Environment) -> Environment {
    let secrets = fs::read_to_string(".goptri/secrets.env").unwrap_or_default();
    let pairs = secrets.lines().filter_map(|line| line.split_once('='));
    pairs.fold(environment, |environment, (name, value)| environment.with_default(name, value))
}
