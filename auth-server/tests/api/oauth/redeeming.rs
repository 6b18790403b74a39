//! `POST /token` with an authorization code.

use chrono::TimeDelta;
use futures_util::future::join_all;
use goptri::revocation::EntryKind;

use super::fixture::{
    AUDIENCE, OAuth, SECRET, VERIFIER, claims, fields, page, printer, random, redemption, session_of, with,
};
use crate::support::on_both_engines;

on_both_engines! {
    /// AS-12, RT-13
    async fn a_code_is_redeemed_for_the_tokens_of_a_session_of_the_application(server) {
        server.add(&printer()).await;
        let sign_in = server.sign_in_row().await;
        let answer = server.redeem(&server.code(sign_in, "printer", "photos:read").await).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!((answer.field("token_type"), answer.field("scope")), ("Bearer".into(), "photos:read".into()));
        let access = claims(&answer.field("access_token"));
        assert_eq!(access["aud"], AUDIENCE, "not the account routes");
        assert_eq!((&access["client_id"], &access["scope"]), (&"printer".into(), &"photos:read".into()));
        assert_ne!(access["sid"], sign_in.id.to_string());
        assert_eq!(server.get("/sessions", Some(&answer.field("access_token"))).await.status, 401);
        assert_eq!(server.refreshed(&answer.field("refresh_token"), &[]).await.status, 200);
    }

    /// PK-05, PK-08, RV-06
    async fn of_a_hundred_parallel_redemptions_one_succeeds_and_then_its_tokens_die(server) {
        server.add(&printer()).await;
        let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
        let answers = join_all((0..100).map(|_| server.send(redemption(&server, &code)))).await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(good.len(), 1);
        // Each waits for a connection that writes. On a slow machine, some wait too long and get 503.
        let (refused, busy): (Vec<_>, Vec<_>) = bad.into_iter().partition(|answer| answer.status == 400);
        assert!(refused.iter().all(|answer| answer.error().1 == "invalid_grant"), "{refused:?}");
        assert!(busy.iter().all(|answer| answer.error() == (503, "temporarily_unavailable")), "{busy:?}");
        assert!(!refused.is_empty());
        let refresh = good[0].field("refresh_token");
        assert_eq!(server.refreshed(&refresh, &[]).await.error(), (400, "invalid_grant"));
        assert!(server.is_in_feed(EntryKind::Session, &session_of(&refresh)).await);
    }

    /// PK-05: only the client with the verifier can end the session by using the code again.
    async fn a_second_use_with_the_verifier_ends_the_session_and_one_without_it_does_not(server) {
        server.add(&printer()).await;
        server.add(&page()).await;
        let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
        let tokens = server.redeem(&code).await;
        let other = random();
        let wrong_verifier = with(fields(&code), "code_verifier", Some(&other));
        assert_eq!(server.form_as("printer", SECRET, "/token", &wrong_verifier).await.status, 400);
        let other_client = with(fields(&code), "client_id", Some("page"));
        assert_eq!(server.form("/token", &other_client).await.error(), (400, "invalid_grant"));
        let refreshed = server.refreshed(&tokens.field("refresh_token"), &[]).await;
        assert_eq!(refreshed.status, 200, "the session lives on");
        assert_eq!(server.redeem(&code).await.error(), (400, "invalid_grant"));
        let after = server.refreshed(&refreshed.field("refresh_token"), &[]).await;
        assert_eq!(after.error(), (400, "invalid_grant"));
    }

    /// O7, PK-02, PK-04, PK-07, AS-01
    async fn a_failed_check_does_not_spend_the_code(server) {
        server.add(&printer()).await;
        server.add(&page()).await;
        let sign_in = server.sign_in_row().await;
        let code = server.code(sign_in, "printer", "photos:read").await;
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let short = &VERIFIER[1..];
        for (name, value, error) in [
            ("code_verifier", None, "invalid_request"),
            ("code_verifier", Some(""), "invalid_request"),
            // The method plain.
            ("code_verifier", Some(challenge), "invalid_grant"),
            ("code_verifier", Some(short), "invalid_grant"),
            ("redirect_uri", None, "invalid_grant"),
            ("redirect_uri", Some("https://printer.example/cb/"), "invalid_grant"),
            ("redirect_uri", Some("https://PRINTER.example/cb"), "invalid_grant"),
            ("resource", Some("https://other.example"), "invalid_target"),
            ("code", Some("nonsense"), "invalid_grant"),
            ("code", None, "invalid_request"),
        ] {
            let changed = with(fields(&code), name, value);
            let answer = server.form_as("printer", SECRET, "/token", &changed).await;
            assert_eq!(answer.error(), (400, error), "{name} {value:?}");
        }
        let as_page = with(fields(&code), "client_id", Some("page"));
        assert_eq!(server.form("/token", &as_page).await.error(), (400, "invalid_grant"));
        let right = with(fields(&code), "resource", Some(AUDIENCE));
        assert_eq!(server.form_as("printer", SECRET, "/token", &right).await.status, 200);
    }

    /// PK-06. On Postgres, the clock of the database is the one that counts; the test shifts it.
    async fn a_code_expires_after_a_minute(server) {
        server.add(&printer()).await;
        let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
        server.later(TimeDelta::seconds(61));
        assert_eq!(server.redeem(&code).await.error(), (400, "invalid_grant"));
    }

    /// RT-09
    async fn a_code_is_worthless_once_the_user_has_signed_out(server) {
        server.add(&printer()).await;
        let sign_in = server.sign_in_row().await;
        let code = server.code(sign_in, "printer", "photos:read").await;
        let tokens = server.redeem(&server.code(sign_in, "printer", "photos:read").await).await;
        server.store.end_session(sign_in, None).await.unwrap();
        assert_eq!(server.redeem(&code).await.error(), (400, "invalid_grant"));
        let refreshed = server.refreshed(&tokens.field("refresh_token"), &[]).await;
        assert_eq!(refreshed.error(), (400, "invalid_grant"), "the application's session has ended too");
        assert!(server.is_in_feed(EntryKind::Session, &session_of(&tokens.field("access_token"))).await);
    }

    /// AS-19
    async fn with_offline_access_the_session_outlives_the_sign_in(server) {
        server.add(&printer()).await;
        let sign_in = server.sign_in_row().await;
        let code = server.code(sign_in, "printer", "photos:read offline_access").await;
        let tokens = server.redeem(&code).await;
        server.store.end_session(sign_in, None).await.unwrap();
        assert_eq!(server.refreshed(&tokens.field("refresh_token"), &[]).await.status, 200);
    }

    /// A public client has no secret: its verifier is what a thief of the code lacks (PK-01).
    async fn a_public_client_redeems_a_code_with_its_verifier_only(server) {
        server.add(&page()).await;
        let code = server.code(server.sign_in_row().await, "page", "photos:read").await;
        let other = random();
        let stolen = with(with(fields(&code), "client_id", Some("page")), "code_verifier", Some(&other));
        assert_eq!(server.form("/token", &stolen).await.error(), (400, "invalid_grant"));
        let own = with(fields(&code), "client_id", Some("page"));
        let tokens = server.form("/token", &own).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text);
        let token = tokens.field("refresh_token");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", "page")];
        assert_eq!(server.form("/token", &refresh).await.status, 200);
    }
}
