//! `POST /revoke` (RFC 7009).

use chrono::TimeDelta;
use goptri::revocation::EntryKind;

use super::fixture::{OAuth, SECRET, page, printer, session_of};
use crate::support::{Answer, Engine, TestServer, on_both_engines};

/// The tokens of a new session of the printer.
async fn granted(server: &TestServer) -> Answer {
    server.add(&printer()).await;
    let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
    server.redeem(&code).await
}

async fn revoke(server: &TestServer, token: &str, more: &[(&str, &str)]) -> Answer {
    server.form_as("printer", SECRET, "/revoke", &[&[("token", token)], more].concat()).await
}

on_both_engines! {
    /// RV-01, RV-02
    async fn revoking_either_token_ends_the_session_at_once(server) {
        server.add(&printer()).await;
        let sign_in = server.sign_in_row().await;
        for name in ["refresh_token", "access_token"] {
            for hint in ["refresh_token", "access_token", "something_else"] {
                let tokens = server.redeem(&server.code(sign_in, "printer", "photos:read").await).await;
                let answer = revoke(&server, &tokens.field(name), &[("token_type_hint", hint)]).await;
                assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{name} {hint}");
                let refreshed = server.refreshed(&tokens.field("refresh_token"), &[]).await;
                assert_eq!(refreshed.error(), (400, "invalid_grant"), "{name} {hint}");
                assert!(server.is_in_feed(EntryKind::Session, &session_of(&tokens.field("access_token"))).await);
                assert_eq!(revoke(&server, &tokens.field(name), &[]).await.status, 200, "again");
            }
        }
    }

    /// RV-03
    async fn another_clients_token_is_not_revoked(server) {
        let tokens = granted(&server).await;
        server.add(&page()).await;
        for name in ["refresh_token", "access_token"] {
            let token = tokens.field(name);
            let answer = server.form("/revoke", &[("token", &token), ("client_id", "page")]).await;
            assert_eq!(answer.status, 200, "{name}");
        }
        assert_eq!(server.refreshed(&tokens.field("refresh_token"), &[]).await.status, 200);
        assert!(!server.is_in_feed(EntryKind::Session, &session_of(&tokens.field("access_token"))).await);
    }

    /// RV-03: the tokens of the first party are another client's too.
    async fn the_first_partys_tokens_are_not_revoked_by_an_application(server) {
        server.add(&printer()).await;
        let (access, refresh) = server.signed_in().await;
        for token in [&access, &refresh] {
            assert_eq!(revoke(&server, token, &[]).await.status, 200);
        }
        assert_eq!(server.refresh(&refresh).await.status, 200);
    }

    /// RV-02
    async fn tokens_that_are_unknown_forged_or_long_expired_are_no_error(server) {
        let tokens = granted(&server).await;
        let access = tokens.field("access_token");
        let (signed, _) = access.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", "A".repeat(43));
        for token in ["nonsense", "a.b.c", &forged, &"x".repeat(9_000)] {
            assert_eq!(revoke(&server, token, &[]).await.status, 200, "{token}");
        }
        server.later(TimeDelta::hours(25));
        assert_eq!(revoke(&server, &access, &[]).await.status, 200);
        assert_eq!(server.refreshed(&tokens.field("refresh_token"), &[]).await.status, 200);
    }

    /// AS-16, AS-09
    async fn only_an_authenticated_client_revokes(server) {
        let tokens = granted(&server).await;
        let token = tokens.field("refresh_token");
        for more in [&[][..], &[("client_id", "printer")], &[("client_id", "goptri")]] {
            let answer = server.form("/revoke", &[&[("token", token.as_str())], more].concat()).await;
            assert_eq!(answer.error(), (401, "invalid_client"), "{more:?}");
        }
        let wrong = server.form_as("printer", "wrong", "/revoke", &[("token", &token)]).await;
        assert_eq!(wrong.header("www-authenticate"), Some("Basic realm=\"goptri\""));
        for fields in [&[][..], &[("token", "")], &[("token", token.as_str()), ("token", token.as_str())]] {
            let answer = server.form_as("printer", SECRET, "/revoke", fields).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{fields:?}");
        }
        assert_eq!(server.refreshed(&token, &[]).await.status, 200, "the session lives on");
    }
}

/// RV-04
#[actix_web::test]
async fn without_the_database_a_revocation_is_a_503() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let token = granted(&server).await.field("refresh_token");
    server.store.close().await;
    let answer = revoke(&server, &token, &[]).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
}
