//! Requests that are made to be expensive to parse cost no more than others of their size, before any credential in them is
//! known to be good.

use test_support::{assert_costs, expensive};

use crate::support::TestServer;

/// Covers new routes without a change.
#[actix_web::test]
async fn no_request_of_a_stranger_costs_much_more_than_a_plain_one_of_its_size() {
    let server = TestServer::start().await;
    let address = server.address;
    let pairs: Vec<_> = api_server::http::routes()
        .iter()
        .flat_map(|route| expensive::pairs(route.method.as_str(), &route.path.replace("{name}", "x.png")))
        .collect();
    actix_web::web::block(move || assert_costs(address, &pairs)).await.unwrap();
}
