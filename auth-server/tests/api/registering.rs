//! `POST /users`.

use reqwest::Method;
use serde_json::json;

use crate::support::{EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

on_both_engines! {
    async fn a_registration_returns_the_id_of_the_user(server) {
        let answer = server.register().await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.field("email"), EMAIL);
        assert_eq!(answer.field("id").len(), 36);
        assert_eq!(answer.body.as_object().unwrap().len(), 2, "the response has other members: {}", answer.text);
    }

    async fn an_address_is_taken_in_every_capitalisation(server) {
        assert_eq!(server.register().await.status, 201);
        let again = server.post("/users", &json!({ "email": "ANN@Example.com", "password": PASSWORD })).await;
        assert_eq!(again.error(), (409, "email_taken"));
    }

    /// PW-04, PW-05, PW-08
    async fn a_rejected_password_gets_the_reason(server) {
        let long = "x".repeat(1025);
        let fourteen = "x".repeat(14);
        for (password, sentence) in [
            (fourteen.as_str(), "The password is too short; it needs at least 15 characters."),
            ("", "The password is too short; it needs at least 15 characters."),
            (long.as_str(), "The password is longer than 1024 bytes."),
            ("fifteen letters\0", "The password contains a NUL character."),
            ("ANN@example.com", "The password is the e-mail address or the name of this service."),
            ("Password1234567", "The password is common, a sequence or a repetition, which attackers try first; choose another one."),
        ] {
            let answer = server.post("/users", &json!({ "email": EMAIL, "password": password })).await;
            assert_eq!(answer.error(), (422, "weak_password"), "{password:?}");
            assert_eq!(answer.field("error_description"), sentence);
        }
        assert_eq!(server.login().await.status, 401, "no user was added");
    }

    async fn an_invalid_address_is_rejected(server) {
        for email in ["", "ann", "ann@example.com\r\nBcc: eve@example.com", "a\0b@example.com", "ann@example.com, eve@example.com"] {
            let answer = server.post("/users", &json!({ "email": email, "password": PASSWORD })).await;
            assert_eq!(answer.error(), (422, "invalid_email"), "{email:?}");
            assert!(!answer.text.contains("eve"), "the input is not echoed");
        }
    }
}

#[actix_web::test]
async fn closed_registration_rejects_every_registration() {
    let server = TestServer::start(Engine::Sqlite, &[("REGISTRATION", "closed")]).await;
    let answer = server.register().await;
    assert_eq!(answer.error(), (403, "registration_closed"));
    let unreadable = server.send(server.request(Method::POST, "/users").json(&json!({}))).await;
    assert!((400..500).contains(&unreadable.status));
}
