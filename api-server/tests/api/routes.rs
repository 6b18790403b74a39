//! The table of routes, asked by strangers, and what is not on it.

use goptri::{AccessClaims, Caller, Needs, Scope};
use goptri_server::Access;

use crate::support::{TestServer, answer, sign};

/// A caller who has every permission that some route asks for, except that one.
fn all_but(mut claims: AccessClaims, needs: Needs) -> AccessClaims {
    let others = api_server::http::routes().into_iter().filter_map(|route| match route.access {
        Access::Caller(other) if other != needs => Some(other),
        _ => None,
    });
    let (mut scope, mut roles) = (Vec::new(), Vec::new());
    for other in others {
        match other {
            Needs::Scope(word) => scope.push(word),
            Needs::Role(role) => roles.push(role.to_owned()),
            _ => {}
        }
    }
    claims.scope = Scope::parse(&scope.join(" ")).unwrap();
    if let Caller::User(user) = &mut claims.caller {
        user.roles = roles;
    }
    claims
}

/// Extends by itself: a new route is in the table, or it is not mounted.
#[actix_web::test]
async fn every_route_refuses_a_stranger_as_declared() {
    let server = TestServer::start();
    let table = api_server::http::routes();
    assert!(table.len() >= 8, "the table has the routes");
    for route in table {
        let path = route.path.replace("{name}", "gopher.png");
        let stranger = answer(server.request(route.method.as_str(), &path)).await;
        let what = format!("{route:?} answers {} {}", stranger.status, stranger.body);
        let Access::Caller(needs) = route.access else {
            // Nobody is refused; that it waits for the revocation feed is for everybody to know.
            assert_eq!(stranger.status, if path == "/readyz" { 503 } else { 200 }, "{what}");
            continue;
        };
        assert_eq!(stranger.status, 401, "{what}");
        assert_eq!(stranger.headers["www-authenticate"], "Bearer", "{what}");
        let forger = answer(server.request(route.method.as_str(), &path).bearer_auth("forged")).await;
        assert_eq!((forger.status, forger.body["error"].as_str()), (401, Some("invalid_token")), "{what}");
        if needs != Needs::AnyToken {
            let powerless = sign(&all_but(server.claims(), needs));
            let powerless =
                answer(server.request(route.method.as_str(), &path).bearer_auth(&powerless)).await;
            assert_eq!(
                (powerless.status, powerless.body["error"].as_str()),
                (403, Some("insufficient_scope")),
                "{what}"
            );
        }
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
