//! Every route of the table enforces its access; other paths and methods get JSON errors.

use goptri::{AccessClaims, Caller, Requirement, Scope};
use goptri_server::Access;
use serde_json::json;

use crate::support::{TestServer, answer, sign};

/// A caller with every permission that a route needs, except `requirement`.
fn all_but(mut claims: AccessClaims, requirement: Requirement) -> AccessClaims {
    let others = api_server::http::routes().into_iter().filter_map(|route| match route.access {
        Access::Caller(other) if other != requirement => Some(other),
        _ => None,
    });
    let (mut scope, mut roles) = (Vec::new(), Vec::new());
    for other in others {
        match other {
            Requirement::Scope(word) => scope.push(word),
            Requirement::Role(role) => roles.push(role.to_owned()),
            _ => {}
        }
    }
    claims.scope = Scope::parse(&scope.join(" ")).unwrap();
    if let Caller::User(user) = &mut claims.caller {
        user.roles = roles;
    }
    claims
}

/// Covers new routes too, since a route that is not in the table is not mounted.
#[actix_web::test]
async fn every_route_rejects_requests_as_declared() {
    let server = TestServer::start().await;
    let table = api_server::http::routes();
    assert!(table.len() >= 9, "the table has the routes");
    for route in table {
        let path = route.path.replace("{name}", "gopher.png");
        let anonymous = answer(server.request(route.method.as_str(), &path)).await;
        let what = format!("{route:?} answers {} {}", anonymous.status, anonymous.body);
        let requirement = match route.access {
            Access::Caller(requirement) => requirement,
            Access::CredentialInRequest => Requirement::AnyToken,
            _ => {
                assert_eq!(anonymous.status, 200, "{what}");
                continue;
            }
        };
        assert_eq!(anonymous.status, 401, "{what}");
        assert_eq!(anonymous.headers["www-authenticate"], "Bearer", "{what}");
        let forger = answer(server.request(route.method.as_str(), &path).bearer_auth("forged")).await;
        assert_eq!((forger.status, forger.body["error"].as_str()), (401, Some("invalid_token")), "{what}");
        if requirement != Requirement::AnyToken {
            let unprivileged = sign(&all_but(server.claims(), requirement));
            let unprivileged =
                answer(server.request(route.method.as_str(), &path).bearer_auth(&unprivileged)).await;
            assert_eq!(
                (unprivileged.status, unprivileged.body["error"].as_str()),
                (403, Some("insufficient_scope")),
                "{what}"
            );
        }
    }
}

#[actix_web::test]
async fn unknown_paths_and_methods_get_json_errors() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    let nowhere = server.get("/nowhere", &token).await;
    assert_eq!((nowhere.status, nowhere.body["error"].as_str()), (404, Some("not_found")));
    assert_eq!(
        answer(server.request("GET", "/nowhere")).await.status,
        401,
        "only callers learn which paths exist"
    );
    for (method, path) in [("POST", "/healthz"), ("TRACE", "/healthz"), ("DELETE", "/currentuser")] {
        let wrong = answer(server.request(method, path)).await;
        assert_eq!((wrong.status, wrong.body["error"].as_str()), (405, Some("method_not_allowed")));
        assert_eq!(wrong.headers["allow"], "GET, HEAD");
    }
    assert_eq!(answer(server.request("POST", "/me").bearer_auth(&token)).await.status, 405);
}

#[actix_web::test]
async fn the_index_lists_every_route_with_its_access() {
    let server = TestServer::start().await;
    let index = answer(server.request("GET", "/")).await;
    assert_eq!((index.status, index.header("content-type")), (200, Some("application/json")));
    assert_eq!((&index.body["name"], &index.body["version"]), (&json!("api-server"), &json!("0.1.0")));
    let listed = index.body["routes"].as_array().unwrap();
    assert_eq!(listed.len(), api_server::http::routes().len());
    for row in [
        json!({ "method": "GET", "path": "/", "access": "public" }),
        json!({ "method": "GET", "path": "/me", "access": "access token" }),
        json!({ "method": "DELETE", "path": "/photos/{name}", "access": "access token with the scope photos:write" }),
    ] {
        assert!(listed.contains(&row), "{row} is not in {}", index.body);
    }
}
