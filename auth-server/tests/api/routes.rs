//! Every route of the table.

use auth_server::routes;
use goptri::keys::KeyRing;
use goptri::token::TokenType;
use goptri_server::{Access, Route};
use goptri_settings::{Plain, RefreshTokenSecret};
use serde_json::json;
use uuid::Uuid;

use crate::support::{EMAIL, Engine, PASSWORD, TestServer, as_application};
use test_support::SetCookie;

/// A refresh token that is valid except for the secret that signed it.
fn forged_refresh_token() -> String {
    let secret: Plain<RefreshTokenSecret> = Plain::new("forgers-5f2a9c4be1d078365f2a9c4be1d07836".into());
    let claims = json!({
        "iss": "http://localhost:4000", "sub": Uuid::from_u128(1), "sid": Uuid::from_u128(2),
        "jti": "5f2a9c4be1d078365f2a9c4be1d07836", "gen": 0, "iat": 1_800_000_000,
    });
    KeyRing::from_secrets(&secret, &[]).unwrap().sign(TokenType::Refresh, &claims).unwrap()
}

async fn assert_rejects_forged_refresh_token(server: &TestServer, route: &Route) {
    let (method, forged) = (route.method.as_str(), forged_refresh_token());
    let body = json!({ "email": "eve@example.com", "password": PASSWORD, "refresh_token": forged });
    let request = server.request(method, route.path).header("sec-fetch-site", "same-origin");
    let mut answer = server.send(request.header("cookie", format!("refresh={forged}")).json(&body)).await;
    if answer.status == 415 {
        let form = [("client_id", "forger"), ("token", &forged)];
        answer = server.send(server.request(method, route.path).form(&form)).await;
    }
    let (status, code) = (answer.status, answer.field("error"));
    let codes = ["invalid_credentials", "invalid_grant", "invalid_token", "invalid_client"];
    assert!(codes.contains(&code.as_str()), "{route:?} answers a forger {status} {code}");
}

async fn assert_signs_no_forger_in(server: &TestServer, route: &Route) {
    let form = [("email", EMAIL), ("password", PASSWORD), ("decision", "allow")];
    let forger = server.request(route.method.as_str(), route.path).header("sec-fetch-site", "cross-site");
    let forger = server.send(forger.header("cookie", "signin=forged").form(&form)).await;
    let signs_in = SetCookie::all_of(&forger).iter().any(|cookie| cookie.name == "signin");
    assert!(!signs_in, "{route:?} sets a cookie for a forger");
}

/// Covers new routes without a change: only routes of the table are mounted.
#[actix_web::test]
async fn every_route_rejects_unauthorised_callers_as_declared() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let applications = as_application(&server.signed_in().await.0);
    let table = routes();
    assert!(table.len() >= 10, "the table is not empty");
    for route in table {
        let answer = server.send(server.request(route.method.as_str(), route.path)).await;
        let what = format!("{route:?} answers {} {}", answer.status, answer.text);
        match route.access {
            Access::Public => assert!(!matches!(answer.status, 401 | 403 | 404 | 405 | 500..), "{what}"),
            Access::OptionalCaller => assert_eq!(answer.status, 200, "{what}"),
            Access::CredentialInRequest => {
                assert!(matches!(answer.status, 400 | 401 | 415), "{what}");
                assert_rejects_forged_refresh_token(&server, &route).await;
            }
            Access::FeedClient => {
                assert_eq!(
                    (answer.status, answer.header("www-authenticate")),
                    (401, Some("Bearer")),
                    "{what}"
                );
                let good = server.login().await.field("access_token");
                for token in ["forged", &good] {
                    let method = route.method.as_str();
                    let forger = server.send(server.request(method, route.path).bearer_auth(token)).await;
                    assert_eq!(forger.error(), (401, "invalid_token"), "{what}");
                }
            }
            Access::Page => {
                if answer.status == 303 {
                    assert_eq!(answer.header("location"), Some("/sign-in"), "{what}");
                } else {
                    assert!(matches!(answer.status, 200 | 400 | 404), "{what}");
                }
                assert_signs_no_forger_in(&server, &route).await;
            }
            Access::Caller(_) => {
                assert_eq!(answer.status, 401, "{what}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
                let method = route.method.as_str();
                let forger = server.send(server.request(method, route.path).bearer_auth("forged")).await;
                assert_eq!(forger.error(), (401, "invalid_token"), "{what}");
                let method = route.method.as_str();
                let application =
                    server.send(server.request(method, route.path).bearer_auth(&applications)).await;
                assert_eq!(application.error(), (401, "invalid_token"), "{what}");
            }
        }
    }
}
