//! The example page: `examples/browser`, with the module of `clients/browser`, at an origin of its own.

use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::get;
use actix_web::{App, HttpResponse};
use goptri_server::{ConnectionLimits, HttpServer, ListenError, Tls};

const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("../../../examples/browser/index.html")),
    ("/style.css", "text/css", include_str!("../../../examples/browser/style.css")),
    ("/app.js", "text/javascript", include_str!("../../../examples/browser/app.js")),
    ("/goptri.js", "text/javascript", include_str!("../../../clients/browser/dist/index.js")),
];

/// Where the page is.
pub(crate) struct ExamplePage {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
}

impl ExamplePage {
    /// The origin of the page. It is on the same site as the servers, as cookies need.
    pub(crate) fn origin(&self) -> String {
        self.origin_at(self.address)
    }

    fn origin_at(&self, address: SocketAddr) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", address.port())
    }

    /// Listens for browsers whose page calls the servers at these addresses.
    pub(crate) fn bind(
        &self,
        auth: SocketAddr,
        api: SocketAddr,
        limits: ConnectionLimits,
        tls: Option<&Tls>,
    ) -> Result<HttpServer, ListenError> {
        let [auth, api] = [auth, api].map(|address| self.origin_at(address));
        let config = format!("export const authServer = '{auth}';\nexport const api = '{api}';\n");
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src {auth} {api}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        HttpServer::bind(self.address, "--example", limits, tls, move || {
            let files = FILES.into_iter().fold(App::new(), |app, (path, kind, text)| {
                let policy = policy.clone();
                app.route(path, get().to(move || page(kind, text.to_owned(), &policy)))
            });
            let (config, policy) = (config.clone(), policy.clone());
            files.route("/config.js", get().to(move || page("text/javascript", config.clone(), &policy)))
        })
    }
}

/// Serves until `stop` resolves. The port may be that of a program that the user develops: then there is no page.
pub(crate) async fn run(
    server: Result<HttpServer, ListenError>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    match server {
        Ok(server) => server.run(stop).await,
        Err(_) => Ok(()),
    }
}

fn page(kind: &'static str, text: String, policy: &str) -> Ready<HttpResponse> {
    let response = HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text);
    ready(response)
}
