//! The web server of a page: serves the page, passes `/auth` and `/api` on to the servers, and holds, cuts off or
//! replaces responses as a test says.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, PayloadConfig, get, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::{Client, Method, Response};
use tokio::sync::Notify;

pub(super) const MODULE: &str = include_str!("../../../../clients/browser/dist/index.js");

/// It has the module as `module`.
pub(super) const PAGE: &str = "<!doctype html><html lang=en><title>Page</title><link rel=icon href='data:,'>\
    <script type=module>import * as module from '/goptri.js'; window.module = module</script>";

/// What happens to a response.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The server has handled the request; its response waits for [`Relay::release`].
    Held,
    /// The server has handled the request; the connection closes in the middle of the body.
    CutOff,
    /// 503 with a `Retry-After` of these seconds. The server never sees the request.
    Unavailable(u32),
}

pub(crate) struct Relay {
    pub(crate) port: u16,
    state: Data<State>,
}

#[derive(Default)]
struct State {
    client: Client,
    /// `auth` and `api`.
    servers: RwLock<HashMap<String, String>>,
    requests: Mutex<Vec<String>>,
    faults: Mutex<Vec<(String, Fault)>>,
    held: Notify,
    released: Notify,
}

impl Relay {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Data::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let state = Data::from(shared);
                let app = move || {
                    App::new()
                        .app_data(state.clone())
                        .app_data(PayloadConfig::new(8 << 20))
                        .route(
                            "/",
                            get().to(async || HttpResponse::Ok().content_type("text/html").body(PAGE)),
                        )
                        .route("/goptri.js", get().to(module))
                        .route("/{server}/{path:.*}", to(pass_on))
                };
                HttpServer::new(app)
                    .workers(1)
                    .disable_signals()
                    .listen(listener)
                    .unwrap()
                    .run()
                    .await
                    .unwrap();
            });
        });
        Self { port, state }
    }

    /// Passes `/NAME/…` on to the server at this URL.
    pub(crate) fn pass_on(&self, name: &str, url: &str) {
        self.state.servers.write().unwrap().insert(name.to_owned(), url.to_owned());
    }

    /// What happens to the next response to such a request, such as `POST /auth/token`.
    pub(crate) fn next(&self, request: &str, fault: Fault) {
        self.state.faults.lock().unwrap().push((request.to_owned(), fault));
    }

    /// Waits until a response is held.
    pub(crate) async fn held(&self) {
        self.state.held.notified().await;
    }

    pub(crate) fn release(&self) {
        self.state.released.notify_one();
    }

    /// How many such requests there were.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.state.requests.lock().unwrap().iter().filter(|asked| *asked == request).count()
    }
}

async fn module() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript").body(MODULE)
}

async fn pass_on(state: Data<State>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let name = format!("{} {}", request.method(), request.path());
    state.requests.lock().unwrap().push(name.clone());
    let fault = {
        let mut faults = state.faults.lock().unwrap();
        let next = faults.iter().position(|(faulty, _)| *faulty == name);
        next.map(|at| faults.remove(at).1)
    };
    if let Some(Fault::Unavailable(seconds)) = fault {
        let body = r#"{"error":"temporarily_unavailable"}"#;
        return HttpResponse::ServiceUnavailable().insert_header(("Retry-After", seconds)).body(body);
    }
    let Some(response) = ask(&state, &request, body).await else {
        return HttpResponse::BadGateway().finish();
    };
    let mut answer = HttpResponse::build(StatusCode::from_u16(response.status().as_u16()).unwrap());
    for (name, value) in response.headers() {
        if !["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
            answer.append_header((name.as_str(), value.as_bytes()));
        }
    }
    let body = response.bytes().await.unwrap();
    match fault {
        Some(Fault::Held) => {
            state.held.notify_one();
            state.released.notified().await;
            answer.body(body)
        }
        Some(Fault::CutOff) => {
            let half = Ok(body.slice(..body.len() / 2));
            answer.streaming(futures_util::stream::iter([half, Err(std::io::Error::other("cut off"))]))
        }
        _ => answer.body(body),
    }
}

/// The response of the server behind this path.
async fn ask(state: &State, request: &HttpRequest, body: Bytes) -> Option<Response> {
    let (server, path) = request.path().trim_start_matches('/').split_once('/')?;
    let server = state.servers.read().unwrap().get(server)?.clone();
    let query = if request.query_string().is_empty() { "" } else { "?" };
    let url = format!("{server}/{path}{query}{}", request.query_string());
    let mut passed =
        state.client.request(Method::from_bytes(request.method().as_str().as_bytes()).unwrap(), url);
    for (name, value) in request.headers() {
        if !["connection", "content-length", "host"].contains(&name.as_str()) {
            passed = passed.header(name.as_str(), value.as_bytes());
        }
    }
    passed.body(body).send().await.ok()
}
