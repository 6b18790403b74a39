//! `/inspect`: what a token says, and whether it is accepted.

use test_support::Answer;

use super::browser::Browser;
use super::fixture::server;
use crate::support::TestServer;

async fn inspect(server: &TestServer, token: &str) -> Answer {
    let mut browser = Browser::new(server);
    let page = browser.open("/inspect").await;
    assert_eq!(page.status, 200);
    browser.submit(&page, "/inspect", &[("token", token)]).await
}

fn is_accepted(page: &Answer) -> bool {
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.contains("<strong>Accepted.")
}

#[actix_web::test]
async fn a_page_shows_the_claims_of_a_token_and_never_the_token() {
    let server = server().await;
    let (access, _) = server.signed_in_again().await;
    for pasted in [access.clone(), format!("  Bearer {access}\n")] {
        let page = inspect(&server, &pasted).await;
        assert!(is_accepted(&page), "{}", page.text);
        for text in ["at+jwt", "http://localhost:4000", "exp", "sid"] {
            assert!(page.text.contains(text), "no {text} in {}", page.text);
        }
        let signature = access.rsplit('.').next().unwrap();
        assert!(!page.text.contains(signature));
    }
}

#[actix_web::test]
async fn a_page_says_why_a_token_is_rejected() {
    let server = server().await;
    let (access, refresh) = server.signed_in_again().await;
    let cut = access[..access.len() - 4].to_owned() + "AAAA";
    for (token, is_decoded) in [(cut, true), (refresh, true), ("nothing".to_owned(), false)] {
        let page = inspect(&server, &token).await;
        assert!(!is_accepted(&page), "{}", page.text);
        assert_eq!(page.text.contains("<code>iss</code>"), is_decoded, "{}", page.text);
    }
    let (ended, refresh) = server.signed_in_again().await;
    assert!(is_accepted(&inspect(&server, &ended).await));
    assert_eq!(server.logout(&serde_json::json!({ "refresh_token": refresh })).await.status, 204);
    assert!(!is_accepted(&inspect(&server, &ended).await), "its session has ended");
}

/// CK-06
#[actix_web::test]
async fn the_form_needs_its_csrf_token() {
    let server = server().await;
    let (access, _) = server.signed_in_again().await;
    let answer = Browser::new(&server).post("/inspect", &[("token", &access)]).await;
    assert_eq!(answer.status, 403);
}
