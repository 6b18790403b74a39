//! `/account`: devices, applications, password, deletion.

use reqwest::Method;
use serde_json::json;

use super::browser::{Browser, hidden, is_consent, is_sign_in, location, response};
use super::fixture::{CALLBACK, OTHER_EMAIL, VERIFIER, prepare, request, request_of, server};
use crate::support::{EMAIL, PASSWORD, TestServer, on_both_engines};

const NEW_PASSWORD: &str = "several words, and others";

/// A browser in which Ann is signed in, and her account page.
async fn at_account(server: &TestServer) -> (Browser<'_>, test_support::Answer) {
    let mut browser = Browser::new(server);
    let page = browser.open("/sign-in").await;
    let signed_in = browser.sign_in_as(&page, EMAIL, PASSWORD).await;
    assert_eq!(location(&signed_in), "/account");
    let account = browser.follow(&signed_in).await;
    assert_eq!(account.status, 200, "{}", account.text);
    (browser, account)
}

#[actix_web::test]
async fn without_a_sign_in_the_account_leads_to_the_sign_in_page() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let answer = browser.open("/account").await;
    assert_eq!(location(&answer), "/sign-in");
    assert!(is_sign_in(&browser.follow(&answer).await));
}

on_both_engines! {
    /// RV-10
    async fn a_user_sees_the_devices_and_signs_one_out(server) {
        prepare(&server).await;
        let (access, refresh) = server.signed_in_again().await;
        let (mut browser, page) = at_account(&server).await;
        assert_eq!(page.text.matches("/account/devices/end").count(), 1, "this device has no button: {}", page.text);
        let ended = browser.submit(&page, "/account/devices/end", &[]).await;
        assert_eq!(location(&ended), "/account?done=device-ended");
        assert!(browser.follow(&ended).await.text.contains("role=\"status\""));
        assert_eq!(server.refresh(&refresh).await.status, 400);
        assert_eq!(server.get("/sessions", Some(&access)).await.status, 401);
    }

    /// AS-19, RV-10
    async fn an_application_that_was_allowed_is_listed_and_its_access_can_be_withdrawn(server) {
        prepare(&server).await;
        let (mut browser, page) = at_account(&server).await;
        assert!(!page.text.contains("/account/applications/withdraw"));
        let consent = browser.open(&request(&[])).await;
        let allowed = browser.allow(&consent).await;
        assert!(location(&allowed).starts_with(CALLBACK));
        let page = browser.open("/account").await;
        assert!(page.text.contains("Photo &#38; Printer") && page.text.contains("See your photos"), "{}", page.text);
        assert_eq!(hidden(&page, "/account/applications/withdraw", "client_id"), "printer");
        let withdrawn = browser.submit(&page, "/account/applications/withdraw", &[]).await;
        assert_eq!(location(&withdrawn), "/account?done=application-withdrawn");
        assert!(!browser.follow(&withdrawn).await.text.contains("Photo &#38; Printer"));
        assert!(is_consent(&browser.open(&request(&[])).await), "it has to ask again");
    }

    /// No consent is recorded for it.
    async fn an_application_of_the_operator_is_listed_with_what_it_may_do(server) {
        prepare(&server).await;
        let (mut browser, _) = at_account(&server).await;
        let allowed = browser.open(&request_of("own", &[("scope", Some("photos:read offline_access"))])).await;
        let code = response(&allowed, CALLBACK).remove("code").unwrap();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let redemption = server.request(Method::POST, "/token").basic_auth("own", Some("x".repeat(43)));
        assert_eq!(server.send(redemption.form(&fields)).await.status, 200);
        let page = browser.open("/account").await;
        let listed = page.text.split("id=\"applications\"").nth(1).unwrap();
        for shown in ["own", "See your photos", "until you remove it"] {
            assert!(listed.contains(shown), "{shown}: {listed}");
        }
    }

    /// PW-09
    async fn changing_the_password_signs_all_other_devices_out(server) {
        prepare(&server).await;
        let (_, refresh) = server.signed_in_again().await;
        let (mut browser, page) = at_account(&server).await;
        let wrong = [("current_password", "wrong"), ("new_password", NEW_PASSWORD)];
        let answer = browser.submit(&page, "/account/password", &wrong).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains("<title>Error:") && !answer.text.contains(NEW_PASSWORD), "{}", answer.text);
        let short = [("current_password", PASSWORD), ("new_password", "short")];
        assert_eq!(browser.submit(&page, "/account/password", &short).await.status, 422);
        let right = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
        let changed = browser.submit(&page, "/account/password", &right).await;
        assert_eq!(location(&changed), "/account?done=password-changed");
        assert_eq!(browser.follow(&changed).await.status, 200, "this browser stays signed in");
        assert_eq!(server.refresh(&refresh).await.status, 400);
        assert_eq!(server.login().await.status, 401);
        let body = json!({ "email": EMAIL, "password": NEW_PASSWORD });
        assert_eq!(server.post("/login", &body).await.status, 200);
    }

    async fn an_account_is_deleted_with_the_right_password_only(server) {
        prepare(&server).await;
        let (_, refresh) = server.signed_in_again().await;
        let (mut browser, page) = at_account(&server).await;
        let answer = browser.submit(&page, "/account/delete", &[("password", "wrong")]).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains("<title>Error:"), "{}", answer.text);
        let deleted = browser.submit(&page, "/account/delete", &[("password", PASSWORD)]).await;
        assert_eq!(location(&deleted), "/signed-out?account=deleted");
        assert_eq!(browser.handle(), None);
        assert_eq!(browser.follow(&deleted).await.status, 200);
        assert_eq!(server.refresh(&refresh).await.status, 400);
        assert_eq!(server.login().await.status, 401);
    }
}

/// CK-06, CK-13
#[actix_web::test]
async fn a_form_of_another_sign_in_changes_nothing() {
    let server = server().await;
    let (_, refresh) = server.signed_in_again().await;
    let (mut ann, page) = at_account(&server).await;
    let csrf = hidden(&page, "/account/devices/end", "csrf");
    let id = hidden(&page, "/account/devices/end", "id");
    let mut bob = Browser::new(&server);
    let sign_in = bob.open("/sign-in").await;
    bob.sign_in_as(&sign_in, OTHER_EMAIL, PASSWORD).await;
    let bobs = bob.open("/account").await;
    let forged = bob.post("/account/devices/end", &[("csrf", &csrf), ("id", &id)]).await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    let own = hidden(&bobs, "/account/password", "csrf");
    let other_users = bob.post("/account/devices/end", &[("csrf", &own), ("id", &id)]).await;
    assert_eq!(location(&other_users), "/account?done=device-ended", "as if it were gone");
    assert_eq!(server.refresh(&refresh).await.status, 200, "it is not Bob's to end");
    assert_eq!(ann.open("/account").await.status, 200);
    for path in ["/account/password", "/account/delete", "/account/applications/withdraw"] {
        let fields = [
            ("password", PASSWORD),
            ("current_password", PASSWORD),
            ("new_password", NEW_PASSWORD),
            ("client_id", "printer"),
        ];
        assert_eq!(ann.post(path, &fields).await.status, 403, "{path} without a CSRF token");
    }
    assert_eq!(server.login().await.status, 200);
}

#[actix_web::test]
async fn a_user_cannot_withdraw_the_access_of_the_own_sign_ins() {
    let server = server().await;
    let (mut browser, page) = at_account(&server).await;
    let csrf = hidden(&page, "/account/password", "csrf");
    // And no text that cannot be an id reaches the database.
    for client in ["goptri", "a\0b", ""] {
        let fields = [("csrf", csrf.as_str()), ("client_id", client)];
        assert_eq!(browser.post("/account/applications/withdraw", &fields).await.status, 400, "{client:?}");
    }
    assert_eq!(browser.open("/account").await.status, 200);
}
