//! Requests that are made to be expensive to parse cost no more than others of their size, before any credential in them is
//! known to be good and before any throttle.

use auth_server::routes;
use test_support::{assert_costs, expensive};

use crate::support::{Engine, TestServer};

/// Covers new routes without a change.
#[actix_web::test]
async fn no_request_of_a_stranger_costs_much_more_than_a_plain_one_of_its_size() {
    let server = TestServer::start(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let address = server.address;
    let pairs: Vec<_> = routes()
        .iter()
        .flat_map(|route| expensive::pairs(route.method.as_str(), &route.path.replace("{id}", "x")))
        .collect();
    actix_web::web::block(move || assert_costs(address, &pairs)).await.unwrap();
}
