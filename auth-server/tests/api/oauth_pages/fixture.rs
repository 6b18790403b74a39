//! Clients, scopes, and authorization requests.

use auth_domain::{
    Client, ClientAuthentication, ClientId, ClientOrigin, Digest, RedirectUri, RegisteredScope,
};
use goptri::Scope;
use goptri_settings::Plain;

use crate::support::{Engine, TestServer};

pub(super) const ISSUER: &str = "http://localhost:4000";
pub(super) const CALLBACK: &str = "https://print.example/callback?shop=1";
pub(super) const LOOPBACK: &str = "http://127.0.0.1/callback";
pub(super) const OTHER_EMAIL: &str = "bob@example.com";
pub(super) const STATE: &str = "a b&c=\u{fc}/+%";
/// RFC 7636, appendix B, with its challenge.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server on SQLite with Ann, Bob, the clients and the scopes.
pub(super) async fn server() -> TestServer {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    prepare(&server).await;
    server
}

/// Adds Ann, Bob, the clients and the scopes.
pub(super) async fn prepare(server: &TestServer) {
    assert_eq!(server.register().await.status, 201);
    let bob = serde_json::json!({ "email": OTHER_EMAIL, "password": crate::support::PASSWORD });
    assert_eq!(server.post("/users", &bob).await.status, 201);
    for (name, description) in [("photos:read", "See your photos"), ("photos:write", "Change <your> photos")]
    {
        let scope =
            RegisteredScope { name: name.to_owned(), description: description.to_owned(), resource: None };
        server.store.put_scope(&scope).await.unwrap();
    }
    for client in clients() {
        server.store.add_client(&client).await.unwrap();
    }
}

/// `printer`, which has a secret.
pub(super) fn client() -> Client {
    Client {
        id: ClientId::new("printer".to_owned()),
        name: "Photo & Printer".to_owned(),
        authentication: ClientAuthentication::Secret(vec![Digest::of(&Plain::new("x".repeat(43)))]),
        redirect_uris: [CALLBACK, "https://print.example/other"].map(uri).to_vec(),
        scope: Scope::parse("photos:read photos:write offline_access").unwrap(),
        resources: Vec::new(),
        first_party: false,
        implicit: false,
        rotation: true,
        home: Some("https://print.example".to_owned()),
        logo: None,
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// `printer`, `own` (the operator's), `native` (public), `page` (public and implicit).
fn clients() -> [Client; 4] {
    let printer = client();
    let named =
        |id: &str| Client { id: ClientId::new(id.to_owned()), name: id.to_owned(), ..printer.clone() };
    let public = ClientAuthentication::Public;
    [
        Client { first_party: true, ..named("own") },
        Client {
            authentication: public.clone(),
            redirect_uris: vec![uri(LOOPBACK), uri("com.example.app:/done")],
            ..named("native")
        },
        Client { authentication: public, implicit: true, ..named("page") },
        printer,
    ]
}

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap()
}

/// The path and query of an authorization request of `printer`, with other parameters. `None` leaves one out.
pub(super) fn request(changes: &[(&str, Option<&str>)]) -> String {
    let mut pairs = vec![
        ("client_id", "printer"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "photos:read"),
        ("state", STATE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (*name, value)));
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/authorize?{query}")
}

/// The request of another client.
pub(super) fn request_of(client: &'static str, changes: &[(&'static str, Option<&'static str>)]) -> String {
    let mut all = vec![("client_id", Some(client))];
    if client == "native" {
        all.push(("redirect_uri", Some(LOOPBACK)));
    }
    all.extend(changes);
    request(&all)
}
