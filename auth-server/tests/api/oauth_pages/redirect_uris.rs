//! Redirect URIs that look like a registered one.

#[path = "../../../domain/tests/domain/redirect_uri_attacks.rs"]
mod attacks;

use auth_domain::{ClientId, RedirectUri};
use reqwest::Method;

use self::attacks::{ATTACKS, ATTACKS_ON_NATIVE_APPS, REGISTERED};
use super::fixture::{client, request, server};

/// AS-01, AS-03
#[actix_web::test]
async fn no_redirect_uri_that_resembles_a_registered_one_is_redirected_to() {
    let server = server().await;
    let attacked = auth_domain::Client {
        id: ClientId::new("attacked".to_owned()),
        redirect_uris: REGISTERED.map(|uri| RedirectUri::parse(uri).unwrap()).to_vec(),
        ..client()
    };
    server.store.add_client(&attacked).await.unwrap();
    let open = async |redirect_uri: &str| {
        let path = request(&[
            ("client_id", Some("attacked")),
            ("redirect_uri", Some(redirect_uri)),
            ("prompt", Some("none")),
        ]);
        server.send(server.request(Method::GET, &path)).await
    };
    for attack in ATTACKS.iter().chain(&ATTACKS_ON_NATIVE_APPS) {
        let answer = open(attack).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{attack:?}");
    }
    for registered in REGISTERED {
        let answer = open(registered).await;
        assert!(answer.header("location").unwrap().starts_with(registered), "{registered}");
    }
}
