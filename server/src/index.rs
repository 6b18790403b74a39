//! `GET /`: what this server is and which routes it has, for a reader who opens its address in a browser.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde::Serialize;

use crate::{Access, Route};

/// The pages that document both servers.
const DOCUMENTATION: [&str; 4] = ["README.md", "docs/http.md", "docs/configuration.md", "SECURITY.md"];

#[derive(Serialize)]
struct Index<'a> {
    name: &'a str,
    version: &'a str,
    documentation: [&'a str; 4],
    routes: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    method: &'a str,
    path: &'a str,
    access: String,
}

/// The table with a public `GET /` in front, which lists the whole table as JSON.
pub fn with_index(name: &str, mut table: Vec<Route>) -> Vec<Route> {
    let row = |method, path, access: Access| Row { method, path, access: access.to_string() };
    let rows = table.iter().map(|route| row(route.method.as_str(), route.path, route.access));
    let index = Index {
        name,
        version: env!("CARGO_PKG_VERSION"),
        documentation: DOCUMENTATION,
        routes: [row("GET", "/", Access::Public)].into_iter().chain(rows).collect(),
    };
    let body: Arc<str> = serde_json::to_string_pretty(&index).unwrap_or_default().into();
    let show = move || {
        let body = body.to_string();
        async move { HttpResponse::Ok().content_type("application/json").body(body + "\n") }
    };
    table.insert(0, Route::new(Method::GET, "/", Access::Public, show));
    table
}
