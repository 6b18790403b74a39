//! Every route, by the table that mounts it.

use auth_server::http::routes;
use goptri::server::Admits;

use crate::support::{Engine, TestServer};

/// Extends by itself: a new route is in the table, or it is not mounted.
#[actix_web::test]
async fn every_route_refuses_a_stranger_as_declared() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let table = routes();
    assert!(table.len() >= 7, "the table has the routes");
    for route in table {
        let answer = server.send(server.request(route.method.as_str().parse().unwrap(), route.path)).await;
        let what = format!("{route:?} answers {} {}", answer.status, answer.text);
        match route.admits {
            Admits::Anybody => assert!(!matches!(answer.status, 401 | 403 | 404 | 405 | 500..), "{what}"),
            Admits::AnybodyOrCaller => assert_eq!(answer.status, 200, "{what}"),
            Admits::Presenter => assert!(matches!(answer.status, 400 | 401 | 415), "{what}"),
            Admits::Caller(_) => {
                assert_eq!(answer.status, 401, "{what}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
            }
        }
    }
}
