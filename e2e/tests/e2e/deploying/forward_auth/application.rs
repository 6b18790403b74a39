//! A plain application: it answers everything, and records what it gets.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use actix_web::web::{Bytes, Data, Payload, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

/// A request as the application gets it.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) method: String,
    pub(super) path: String,
    /// Names as an application of CGI, WSGI or PHP sees them: in lower case, with hyphens for other characters.
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Recorded {
    /// Every value of a header that is not empty, under each spelling of its name.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let values = self.headers.iter().filter(|(other, value)| other == name && !value.is_empty());
        values.map(|(_, value)| value.as_str()).collect()
    }
}

/// The application. It serves until the test ends.
pub(super) struct Application {
    pub(super) address: SocketAddr,
    recorded: Arc<Mutex<Vec<Recorded>>>,
}

impl Application {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let recorded: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let shared = Arc::clone(&recorded);
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let state = Data::from(shared);
                let app = move || App::new().app_data(state.clone()).default_service(to(record));
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
                server.run().await.unwrap();
            });
        });
        Self { address, recorded }
    }

    /// The requests since the last call.
    pub(super) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }
}

async fn record(recorded: Data<Mutex<Vec<Recorded>>>, request: HttpRequest, body: Payload) -> HttpResponse {
    // The body of a request that asks for a WebSocket has no end.
    let upgrades = request.headers().contains_key("upgrade");
    let body = if upgrades { Bytes::new() } else { body.to_bytes().await.unwrap() };
    let name = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let headers = request.headers().iter().map(|(header, value)| {
        (name(header.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    recorded.lock().unwrap().push(Recorded {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        headers: headers.collect(),
        body: body.to_vec(),
    });
    HttpResponse::Ok().insert_header(("X-Application", "plain")).body("the application")
}
