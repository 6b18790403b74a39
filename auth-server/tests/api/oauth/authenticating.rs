//! How applications authenticate.

use auth_domain::{Client, ClientAuthentication, ClientId, Digest};
use chrono::TimeDelta;
use goptri::clock::Clock;
use goptri::keys::{Jwks, KeyRing};
use goptri::token::TokenType;
use goptri_settings::Plain;
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::{OAuth, SECRET, client, page, printer};
use crate::support::{Answer, Engine, TestServer, on_both_engines};

const KEY: &str = include_str!("../../../../shared/tests/goptri/test_keys/ed25519.pem");
const OTHER_KEY: &str = include_str!("../../../../shared/tests/goptri/test_keys/p256.pem");
const ASSERTION_TYPE: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

/// A refresh with a bad token: the answer of an authenticated client.
const REFRESH: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "nonsense")];
const AUTHENTICATED: (u16, &str) = (400, "invalid_grant");
const REJECTED: (u16, &str) = (401, "invalid_client");

async fn send(server: &TestServer, credentials: &[(&str, &str)]) -> Answer {
    server.form("/token", &[&REFRESH[..], credentials].concat()).await
}

on_both_engines! {
    /// AS-11, AS-16; RFC 6749 §5.2
    async fn a_client_authenticates_in_its_own_way_and_in_no_other(server) {
        server.add(&printer()).await;
        server.add(&page()).await;
        let (id, secret) = (("client_id", "printer"), ("client_secret", SECRET));
        for (credentials, expected) in [
            (&[id, secret][..], AUTHENTICATED),
            (&[("client_id", "page")], AUTHENTICATED),
            (&[id], REJECTED),
            (&[id, ("client_secret", "wrong")], REJECTED),
            (&[id, ("client_secret", "")], REJECTED),
            (&[("client_id", "page"), secret], REJECTED),
            (&[("client_id", "unknown-client"), secret], REJECTED),
            (&[("client_id", "unknown-client")], REJECTED),
            (&[("client_id", "prin\0ter"), secret], REJECTED),
            (&[("client_id", "Printer"), secret], REJECTED),
            (&[id, ASSERTION_TYPE, ("client_assertion", "a.b.c")], REJECTED),
            (&[id, secret, ASSERTION_TYPE], (400, "invalid_request")),
            (&[id, secret, ("client_assertion", "a.b.c")], (400, "invalid_request")),
        ] {
            assert_eq!(send(&server, credentials).await.error(), expected, "{credentials:?}");
        }
        for (id, secret, expected) in [
            ("printer", SECRET, AUTHENTICATED),
            ("printer", "wrong", REJECTED),
            ("printer", "", REJECTED),
            ("page", "", REJECTED),
            ("unknown-client", SECRET, REJECTED),
        ] {
            let answer = server.form_as(id, secret, "/token", &REFRESH).await;
            assert_eq!(answer.error(), expected, "{id} {secret}");
            let challenge = (expected == REJECTED).then_some("Basic realm=\"goptri\"");
            assert_eq!(answer.header("www-authenticate"), challenge, "{id} {secret}");
        }
    }

    /// PW-10: which clients exist is no secret, but nothing tells it.
    async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer(server) {
        server.add(&printer()).await;
        let unknown = server.form_as("unknown-client", SECRET, "/token", &REFRESH).await;
        let wrong = server.form_as("printer", "wrong", "/token", &REFRESH).await;
        assert_eq!((unknown.status, unknown.body), (wrong.status, wrong.body));
    }

    /// AS-10
    async fn a_secret_in_the_query_never_counts(server) {
        server.add(&printer()).await;
        let path = format!("/token?client_id=printer&client_secret={SECRET}");
        let with_id = [&REFRESH[..], &[("client_id", "printer")]].concat();
        assert_eq!(server.form(&path, &with_id).await.error(), REJECTED);
        let answer = server.form(&path, &REFRESH).await;
        assert_eq!(answer.error(), AUTHENTICATED, "as the first party, whose token is bad");
    }

    /// AS-12
    async fn the_id_and_the_secret_in_the_header_are_form_decoded(server) {
        let secret = Plain::new("a+b c%:&=".to_owned());
        let id = "https://client.example/app";
        server.add(&client(id, ClientAuthentication::Secret(vec![Digest::of(&secret)]))).await;
        let encoded = ("https%3A%2F%2Fclient.example%2Fapp", "a%2Bb+c%25%3A%26%3D");
        assert_eq!(server.form_as(encoded.0, encoded.1, "/token", &REFRESH).await.error(), AUTHENTICATED);
        // As it is, the colon in the id would end it.
        assert_eq!(server.form_as(id, secret.expose(), "/token", &REFRESH).await.error(), REJECTED);
    }

    async fn both_secrets_of_a_client_are_accepted_until_one_is_dropped(server) {
        server.add(&printer()).await;
        let (id, new) = (ClientId::new("printer".to_owned()), Plain::new("the new secret".to_owned()));
        let ClientAuthentication::Secret(old) = printer().authentication else { unreachable!() };
        let both = [old[0].clone(), Digest::of(&new)];
        server.store.set_client_secrets(&id, &old, &both).await.unwrap();
        for secret in [SECRET, new.expose()] {
            assert_eq!(server.form_as("printer", secret, "/token", &REFRESH).await.error(), AUTHENTICATED);
        }
        server.store.set_client_secrets(&id, &both, &both[1..]).await.unwrap();
        assert_eq!(server.form_as("printer", SECRET, "/token", &REFRESH).await.error(), REJECTED);
        assert_eq!(server.form_as("printer", new.expose(), "/token", &REFRESH).await.error(), AUTHENTICATED);
    }
}

fn signed(pem: &str, typ: TokenType, claims: &Value) -> String {
    KeyRing::from_pem(pem).unwrap().sign(typ, claims).unwrap()
}

/// RFC 7523. The domain has the table of all claims.
#[actix_web::test]
async fn a_client_authenticates_with_a_key_of_its_own() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let ring = KeyRing::from_pem(KEY).unwrap();
    let jwks = serde_json::to_string(&Jwks::from(ring.verifying_keys())).unwrap();
    server.add(&Client { ..client("robot", ClientAuthentication::PrivateKeyJwt(jwks)) }).await;
    let exp = (server.clock.now() + TimeDelta::minutes(1)).timestamp();
    let claims = json!({
        "iss": "robot", "sub": "robot", "aud": "http://localhost:4000/token", "exp": exp, "jti": "a1",
    });
    let genuine = signed(KEY, TokenType::ClientAssertion, &claims);
    let other_key = signed(OTHER_KEY, TokenType::ClientAssertion, &claims);
    let access_token = signed(KEY, TokenType::Access, &claims);
    let assertion = |text| [ASSERTION_TYPE, ("client_assertion", text)];
    assert_eq!(send(&server, &assertion(&genuine)).await.error(), AUTHENTICATED);
    let with_id = [&assertion(&genuine)[..], &[("client_id", "robot")]].concat();
    assert_eq!(send(&server, &with_id).await.error(), AUTHENTICATED);
    let other_id = [&assertion(&genuine)[..], &[("client_id", "printer")]].concat();
    assert_eq!(send(&server, &other_id).await.error(), REJECTED);
    for bad in [other_key.as_str(), &access_token, "a.b.c", &genuine[..genuine.len() - 4]] {
        assert_eq!(send(&server, &assertion(bad)).await.error(), REJECTED, "{bad}");
    }
    let wrong_type = [("client_assertion_type", "jwt"), ("client_assertion", genuine.as_str())];
    assert_eq!(send(&server, &wrong_type).await.error(), REJECTED);
    server.later(TimeDelta::minutes(2));
    assert_eq!(send(&server, &assertion(&genuine)).await.error(), REJECTED, "it has expired");
}

/// AS-13
#[actix_web::test]
async fn guesses_of_a_secret_are_limited_and_requests_of_the_client_are_not() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[]).await;
    server.add(&printer()).await;
    server.add(&page()).await;
    for _ in 0..20 {
        assert_eq!(server.form_as("printer", SECRET, "/token", &REFRESH).await.error(), AUTHENTICATED);
    }
    for _ in 0..5 {
        assert_eq!(server.form_as("printer", "wrong", "/token", &REFRESH).await.error(), REJECTED);
    }
    let limited = server.form_as("printer", SECRET, "/token", &REFRESH).await;
    assert_eq!(limited.error(), (429, "too_many_requests"), "right or wrong");
    assert_eq!(limited.header("retry-after"), Some("15"));
    assert_eq!(send(&server, &[("client_id", "page")]).await.error(), AUTHENTICATED, "other clients go on");
    server.later(TimeDelta::seconds(16));
    assert_eq!(server.form_as("printer", SECRET, "/token", &REFRESH).await.error(), AUTHENTICATED);
}

/// AS-11: two headers, and a header beside other credentials.
#[actix_web::test]
async fn two_ways_of_authenticating_in_one_request_are_refused() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.add(&printer()).await;
    for more in [
        &[("client_secret", SECRET)][..],
        &[("client_id", "printer"), ("client_secret", SECRET)],
        &[("client_id", "page")],
        &[ASSERTION_TYPE, ("client_assertion", "a.b.c")],
    ] {
        let answer = server.form_as("printer", SECRET, "/token", &[&REFRESH[..], more].concat()).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{more:?}");
    }
    let same_id = [&REFRESH[..], &[("client_id", "printer")]].concat();
    assert_eq!(server.form_as("printer", SECRET, "/token", &same_id).await.error(), AUTHENTICATED);
    let request = server.request(Method::POST, "/token").form(&REFRESH);
    let request = request.basic_auth("printer", Some(SECRET)).basic_auth("printer", Some(SECRET));
    assert_eq!(server.send(request).await.error(), (400, "invalid_request"));
}
