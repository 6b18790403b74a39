//! A small service that is protected by Goptri.
//!
//! `GET /tickets` needs an access token, `GET /unguarded` does not. Start it with `./run`.

use std::error::Error;
use std::future::IntoFuture;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use goptri::tower::BearerAuth;
use goptri::{AccessClaims, Environment, Guard};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long requests may take to finish after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Ticket {
    id: u32,
    title: &'static str,
    status: &'static str,
}

const TICKETS: [Ticket; 3] = [
    Ticket { id: 101, title: "The printer is out of paper", status: "open" },
    Ticket { id: 102, title: "A second monitor", status: "waiting" },
    Ticket { id: 103, title: "No network in room 7", status: "closed" },
];

#[derive(Serialize)]
struct Tickets {
    tickets: [Ticket; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Caller>,
}

/// The user or client, as its access token describes it.
#[derive(Serialize)]
struct Caller {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    roles: Vec<String>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    exp: i64,
}

impl From<&AccessClaims> for Caller {
    fn from(claims: &AccessClaims) -> Self {
        let user = claims.user();
        Self {
            sub: claims.subject().to_owned(),
            email: user.and_then(|user| user.email.clone()),
            roles: user.map(|user| user.roles.clone()).unwrap_or_default(),
            scope: claims.scope.to_string(),
            sid: user.map(|user| user.session.clone()),
            exp: claims.exp.seconds(),
        }
    }
}

async fn tickets(Extension(claims): Extension<Arc<AccessClaims>>) -> Json<Tickets> {
    Json(Tickets { tickets: TICKETS, caller: Some(Caller::from(&*claims)) })
}

async fn unguarded() -> Json<Tickets> {
    Json(Tickets { tickets: TICKETS, caller: None })
}

#[derive(Serialize)]
struct Readiness {
    status: String,
}

async fn readyz(State(guard): State<Guard>) -> (StatusCode, Json<Readiness>) {
    match guard.check_ready() {
        Ok(()) => (StatusCode::OK, Json(Readiness { status: "ok".to_owned() })),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { status: reason.to_string() })),
    }
}

fn routes(guard: Guard) -> Router {
    Router::new()
        .route("/tickets", get(tickets))
        // For the routes above only. A route that needs a scope has its own layer: Require::scope("tickets:read").
        .route_layer(BearerAuth::required(guard.clone()))
        .route("/unguarded", get(unguarded))
        .route("/readyz", get(readyz))
        .with_state(guard)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Shows why a token is rejected.
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    let environment = Environment::load()?;
    // Fetches the public keys of auth-server, and follows its revocation feed: a sign-out takes effect within moments.
    let guard = Guard::from_environment_with_feed(&environment)?;
    let listener = TcpListener::bind(environment.get("ADDR").unwrap_or("127.0.0.1:5016")).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let (terminate, hurry) = (signal(SignalKind::terminate())?, signal(SignalKind::terminate())?);
    let server = axum::serve(listener, routes(guard)).with_graceful_shutdown(received(terminate));
    tokio::select! {
        stopped = server.into_future() => stopped?,
        () = async { received(hurry).await; tokio::time::sleep(SHUTDOWN_TIMEOUT).await } => {}
    }
    Ok(())
}

async fn received(mut signal: Signal) {
    signal.recv().await;
}
