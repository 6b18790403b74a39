//! A service of your own: one route, protected by Goptri.

use std::error::Error;

use actix_web::{App, HttpServer, Responder, get, web};
use goptri::actix::{Bearer, BearerAuth};
use goptri::{Environment, Guard, Needs, Permission};

struct InvoicesRead;

impl Permission for InvoicesRead {
    const NEEDS: Needs = Needs::Scope("invoices:read");
}

#[get("/invoices")]
async fn invoices(caller: Bearer<InvoicesRead>) -> impl Responder {
    format!("The invoices of {}\n", caller.subject())
}

#[get("/hello")]
async fn hello(caller: Bearer) -> impl Responder {
    format!("Hello, {}\n", caller.user().and_then(|user| user.email.as_deref()).unwrap_or(caller.subject()))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Instead of ACCESS_TOKEN_SECRET, AUTH_SERVER_URL will do where auth-server has key pairs.
    let environment = Environment::load()?; // ACCESS_TOKEN_SECRET, ISSUER, AUDIENCE and FEED_SECRET, as api-server has them
    let guard = Guard::following(&environment)?; // refuses what was signed out within moments
    let address = environment.get("ADDR").unwrap_or("127.0.0.1:5000");
    let protected =
        move || web::scope("").wrap(BearerAuth::required(guard.clone())).service(invoices).service(hello);
    HttpServer::new(move || App::new().service(protected())).bind(address)?.run().await?;
    Ok(())
}
