//! `POST /token` with the refresh token of an application.

use auth_domain::{Client, ClientId};
use chrono::TimeDelta;
use goptri::Scope;
use serde_json::json;

use super::fixture::{AUDIENCE, OAuth, SECRET, claims, fields, page, printer, with};
use crate::support::{TestServer, on_both_engines};

/// The refresh token of a new session of the printer.
async fn granted(server: &TestServer, client: &Client, scope: &str) -> String {
    server.add(client).await;
    let code = server.code(server.sign_in_row().await, client.id.as_str(), scope).await;
    let tokens = server.redeem(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    tokens.field("refresh_token")
}

on_both_engines! {
    /// RT-07
    async fn a_refresh_token_is_bound_to_its_client_and_stays_valid_for_it(server) {
        let token = granted(&server, &printer(), "photos:read").await;
        server.add(&page()).await;
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let as_page = [&refresh[..], &[("client_id", "page")]].concat();
        assert_eq!(server.form("/token", &as_page).await.error(), (400, "invalid_grant"));
        // As the first party, which has no credentials, and as the client without its secret.
        assert_eq!(server.refresh(&token).await.error(), (400, "invalid_grant"));
        assert_eq!(server.form("/token", &refresh).await.error(), (400, "invalid_grant"));
        let without_secret = [&refresh[..], &[("client_id", "printer")]].concat();
        assert_eq!(server.form("/token", &without_secret).await.error(), (401, "invalid_client"));
        let first_party = json!({ "refresh_token": token, "client_id": "printer" });
        assert_eq!(server.post("/token", &first_party).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refreshed(&token, &[]).await.status, 200, "the session lives on");
    }

    /// RT-08
    async fn the_scope_shrinks_for_one_access_token_and_never_grows(server) {
        let token = granted(&server, &printer(), "photos:read photos:write").await;
        for wider in ["photos:read photos:delete", "offline_access", "Photos:read", "a  b", "photos:\u{f6}"] {
            let answer = server.refreshed(&token, &[("scope", wider)]).await;
            assert_eq!(answer.error(), (400, "invalid_scope"), "{wider}");
        }
        let narrow = server.refreshed(&token, &[("scope", "photos:read")]).await;
        assert_eq!(narrow.field("scope"), "photos:read");
        assert_eq!(claims(&narrow.field("access_token"))["scope"], "photos:read");
        let again = server.refreshed(&narrow.field("refresh_token"), &[]).await;
        assert_eq!(again.field("scope"), "photos:read photos:write", "the session keeps it");
    }

    /// AS-15
    async fn what_the_operator_takes_from_a_client_is_missing_from_its_next_token(server) {
        let token = granted(&server, &printer(), "photos:read photos:write").await;
        let scope = Scope::parse("photos:read").unwrap();
        server.store.change_client(&Client { scope, ..printer() }).await.unwrap();
        assert_eq!(server.refreshed(&token, &[]).await.field("scope"), "photos:read");
    }

    async fn the_resource_of_a_refresh_is_that_of_the_session(server) {
        let token = granted(&server, &printer(), "photos:read").await;
        let other = server.refreshed(&token, &[("resource", "https://other.example")]).await;
        assert_eq!(other.error(), (400, "invalid_target"));
        let both = [("resource", AUDIENCE), ("resource", "https://other.example")];
        assert_eq!(server.refreshed(&token, &both).await.error(), (400, "invalid_target"));
        assert_eq!(server.refreshed(&token, &[("resource", AUDIENCE)]).await.status, 200);
    }

    /// RT-03, RT-04
    async fn a_stolen_refresh_token_of_an_application_ends_its_session(server where "REFRESH_GRACE" = "0") {
        let token = granted(&server, &printer(), "photos:read").await;
        let second = server.refreshed(&token, &[]).await.field("refresh_token");
        let third = server.refreshed(&second, &[]).await.field("refresh_token");
        assert_eq!(server.refreshed(&token, &[]).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refreshed(&third, &[]).await.error(), (400, "invalid_grant"));
    }

    async fn a_client_without_rotation_keeps_one_refresh_token(server where "REFRESH_GRACE" = "0") {
        let token = granted(&server, &Client { rotation: false, ..printer() }, "photos:read").await;
        for _ in 0..4 {
            let answer = server.refreshed(&token, &[]).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.field("refresh_token"), token);
            server.later(TimeDelta::hours(1));
        }
    }

    /// Nothing but the rotation reveals the theft of a token of a client without credentials.
    async fn the_tokens_of_a_public_client_always_rotate(
        server where "REFRESH_ROTATION" = "off", "REFRESH_GRACE" = "0", "REFRESH_FORGIVENESS" = "off"
    ) {
        server.add(&page()).await;
        let code = server.code(server.sign_in_row().await, "page", "photos:read").await;
        let redemption = with(fields(&code), "client_id", Some("page"));
        let first = server.form("/token", &redemption).await.field("refresh_token");
        let refresh = async |token: &str| {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "page")];
            server.form("/token", &fields).await
        };
        let second = refresh(&first).await.field("refresh_token");
        assert_ne!(first, second);
        server.later(TimeDelta::hours(1));
        assert_eq!(refresh(&first).await.error(), (400, "invalid_grant"));
        assert_eq!(refresh(&second).await.error(), (400, "invalid_grant"), "the session has ended");
    }

    async fn the_tokens_of_a_removed_client_are_refused(server) {
        let token = granted(&server, &printer(), "photos:read").await;
        server.store.remove_client(&ClientId::new("printer".to_owned())).await.unwrap();
        assert_eq!(server.refreshed(&token, &[]).await.error(), (401, "invalid_client"));
        assert!(server.is_in_feed(goptri::revocation::EntryKind::Client, "printer").await);
    }

    /// AS-14, AS-20
    async fn there_is_neither_a_password_grant_nor_one_for_the_client_itself(server) {
        server.add(&printer()).await;
        for grant in ["password", "client_credentials", "implicit", "Authorization_Code", "urn:ietf:params:oauth:x"] {
            let fields = [("grant_type", grant), ("username", "ann@example.com"), ("password", "x")];
            let answer = server.form_as("printer", SECRET, "/token", &fields).await;
            assert_eq!(answer.error(), (400, "unsupported_grant_type"), "{grant}");
        }
    }
}
