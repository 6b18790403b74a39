//! api-server over HTTP, as a client sees it. Tokens are minted here with the shared secret, as auth-server does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::sync::Arc;

use api_server::{Application, Config};
use chrono::TimeDelta;
use goptri::server::Admits;
use goptri::{
    AccessClaims, AccessTokenSecret, Audience, Clock, Environment, KeyRing, ManualClock, Needs, NumericDate,
    Plain, Scope, TokenType,
};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::oneshot;

const SECRET: &str = "access-5f2a9c4be1d078365f2a9c4be1d07836";
const USER: &str = "0193b3a4-0000-7000-8000-000000000001";
const SESSION: &str = "0193b3a4-0000-7000-8000-000000000002";

struct TestServer {
    url: String,
    clock: ManualClock,
    client: Client,
    _stop: oneshot::Sender<()>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl TestServer {
    fn start() -> Self {
        let environment =
            Environment::from_pairs([("API_SERVER_ADDR", "127.0.0.1:0"), ("ACCESS_TOKEN_SECRET", SECRET)]);
        let config = Config::from_environment(&environment).unwrap();
        let clock = ManualClock::default();
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let application = Application::start(config, Arc::new(clock.clone()), stopped).unwrap();
        let url = format!("http://{}", application.address());
        actix_web::rt::spawn(application.run());
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { url, clock, client, _stop: stop }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        answer(self.request("GET", path).bearer_auth(token)).await
    }

    fn claims(&self) -> AccessClaims {
        let now = self.clock.now();
        AccessClaims {
            iss: "http://localhost:4000".into(),
            sub: USER.into(),
            aud: Audience(vec!["http://localhost:3000".into()]),
            exp: NumericDate::from(now + TimeDelta::minutes(15)),
            iat: NumericDate::from(now),
            nbf: None,
            jti: "5f2a9c4be1d078365f2a9c4be1d07836".into(),
            client_id: "goptri".into(),
            scope: Scope::parse("photos:read").unwrap(),
            sid: Some(SESSION.into()),
            email: Some("ann@example.com".into()),
            email_verified: Some(true),
            roles: vec!["editor".into()],
            auth_time: Some(NumericDate::from(now)),
        }
    }
}

/// A caller who has every permission that some route asks for, except that one.
fn all_but(mut claims: AccessClaims, needs: Needs) -> AccessClaims {
    let others = api_server::http::routes().into_iter().filter_map(|route| match route.admits {
        Admits::Caller(other) if other != needs => Some(other),
        _ => None,
    });
    let (mut scope, mut roles) = (Vec::new(), Vec::new());
    for other in others {
        match other {
            Needs::Scope(word) => scope.push(word),
            Needs::Role(role) => roles.push(role.to_owned()),
            Needs::AnyToken => {}
        }
    }
    claims.scope = Scope::parse(&scope.join(" ")).unwrap();
    claims.roles = roles;
    claims
}

async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")),
    }
}

fn sign(claims: &AccessClaims) -> String {
    let keys = KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(SECRET.into()), &[]).unwrap();
    keys.sign(TokenType::Access, claims).unwrap()
}

/// Extends by itself: a new route is in the table, or it is not mounted.
#[actix_web::test]
async fn every_route_refuses_a_stranger_as_declared() {
    let server = TestServer::start();
    let table = api_server::http::routes();
    assert!(table.len() >= 4, "the table has the routes");
    for route in table {
        let stranger = answer(server.request(route.method.as_str(), route.path)).await;
        let what = format!("{route:?} answers {} {}", stranger.status, stranger.body);
        let Admits::Caller(needs) = route.admits else {
            assert_eq!(stranger.status, 200, "{what}");
            continue;
        };
        assert_eq!(stranger.status, 401, "{what}");
        assert_eq!(stranger.headers["www-authenticate"], "Bearer", "{what}");
        let forger = answer(server.request(route.method.as_str(), route.path).bearer_auth("forged")).await;
        assert_eq!((forger.status, forger.body["error"].as_str()), (401, Some("invalid_token")), "{what}");
        if needs != Needs::AnyToken {
            let powerless = sign(&all_but(server.claims(), needs));
            let powerless =
                answer(server.request(route.method.as_str(), route.path).bearer_auth(&powerless)).await;
            assert_eq!(
                (powerless.status, powerless.body["error"].as_str()),
                (403, Some("insufficient_scope")),
                "{what}"
            );
        }
    }
}

#[actix_web::test]
async fn me_tells_the_caller_what_their_token_says() {
    let server = TestServer::start();
    let claims = server.claims();
    let me = server.get("/me", &sign(&claims)).await;
    assert_eq!(me.status, 200);
    assert_eq!(
        me.body,
        json!({ "sub": USER, "email": "ann@example.com", "roles": ["editor"], "scope": "photos:read", "sid": SESSION, "exp": claims.exp.seconds() })
    );
}

#[actix_web::test]
async fn a_clients_own_token_has_no_person_behind_it() {
    let server = TestServer::start();
    let mut claims = server.claims();
    (claims.sub, claims.client_id) = ("photo-printer".into(), "photo-printer".into());
    (claims.sid, claims.email, claims.email_verified, claims.auth_time) = (None, None, None, None);
    claims.roles = Vec::new();
    let token = sign(&claims);
    let me = server.get("/me", &token).await;
    assert_eq!(
        me.body,
        json!({ "sub": "photo-printer", "roles": [], "scope": "photos:read", "exp": claims.exp.seconds() })
    );
    assert_eq!(server.get("/currentuser", &token).await.body, json!({ "currentUser": null }));
}

#[actix_web::test]
async fn a_token_is_good_until_it_expires() {
    let server = TestServer::start();
    let token = sign(&server.claims());
    server.clock.advance(TimeDelta::minutes(15));
    assert_eq!(server.get("/me", &token).await.status, 200, "the clocks may differ by 30 s");
    server.clock.advance(TimeDelta::seconds(31));
    let expired = server.get("/me", &token).await;
    assert_eq!((expired.status, expired.body["error"].as_str()), (401, Some("invalid_token")));
    assert_eq!(server.get("/currentuser", &token).await.body, json!({ "currentUser": null }));
}

#[actix_web::test]
async fn another_servers_token_is_refused() {
    let server = TestServer::start();
    let mut issuer = server.claims();
    issuer.iss = "http://localhost:4001".into();
    let mut audience = server.claims();
    audience.aud = Audience(vec!["http://localhost:3001".into()]);
    for claims in [issuer, audience] {
        assert_eq!(server.get("/me", &sign(&claims)).await.status, 401);
    }
}

#[actix_web::test]
async fn unknown_paths_and_methods_have_json_errors_too() {
    let server = TestServer::start();
    let token = sign(&server.claims());
    let nowhere = server.get("/nowhere", &token).await;
    assert_eq!((nowhere.status, nowhere.body["error"].as_str()), (404, Some("not_found")));
    assert_eq!(
        answer(server.request("GET", "/nowhere")).await.status,
        401,
        "which paths exist is for callers to know"
    );
    for (method, path) in [("POST", "/healthz"), ("TRACE", "/healthz"), ("DELETE", "/currentuser")] {
        let wrong = answer(server.request(method, path)).await;
        assert_eq!((wrong.status, wrong.body["error"].as_str()), (405, Some("method_not_allowed")));
        assert_eq!(wrong.headers["allow"], "GET, HEAD");
    }
    assert_eq!(answer(server.request("POST", "/me").bearer_auth(&token)).await.status, 405);
}

#[test]
fn every_fault_of_a_configuration_is_named_at_once() {
    let environment = Environment::from_pairs([
        ("API_SERVER_ADDR", "x"),
        ("ISSUER", "x"),
        ("AUDIENCE", " "),
        ("CLOCK_LEEWAY", "x"),
    ]);
    let faults = Config::from_environment(&environment).unwrap_err();
    let names: Vec<_> = faults.0.iter().map(|fault| fault.variable.as_str()).collect();
    assert_eq!(names, ["API_SERVER_ADDR", "ACCESS_TOKEN_SECRET", "ISSUER", "AUDIENCE", "CLOCK_LEEWAY"]);
}
