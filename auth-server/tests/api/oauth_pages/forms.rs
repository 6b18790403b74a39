//! Forms that were not sent by the page that this browser saw.

use reqwest::Method;
use test_support::{Answer, hidden_fields};

use super::browser::{Browser, hidden, is_consent, is_sign_in, location, response};
use super::fixture::{CALLBACK, request, server};
use crate::support::{EMAIL, PASSWORD, TestServer};

/// What the form of a page would post.
async fn post(
    server: &TestServer,
    browser: &Browser<'_>,
    page: &Answer,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut fields = hidden_fields(page, path);
    for (name, value) in
        [("email", EMAIL), ("password", PASSWORD), ("decision", "allow"), ("choice", "other")]
    {
        fields.push((name.to_owned(), value.to_owned()));
    }
    let request = browser.jar.foreign_request(server, Method::POST, path).form(&fields);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    server.send(request).await
}

/// CK-04, CK-13
#[actix_web::test]
async fn a_form_of_another_site_is_rejected_even_with_the_right_token() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let sign_in = browser.open(&request(&[])).await;
    let mut signed_in = Browser::new(&server);
    let consent = signed_in.sign_in(&request(&[])).await;
    for (browser, page, path) in [
        (&browser, &sign_in, "/sign-in"),
        (&signed_in, &consent, "/consent"),
        (&signed_in, &consent, "/sign-out"),
    ] {
        for headers in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "cross-site"), ("origin", "null")],
            vec![("origin", "https://evil.example")],
            vec![],
        ] {
            let answer = post(&server, browser, page, path, &headers).await;
            assert_eq!((answer.status, answer.header("location")), (403, None), "{path} {headers:?}");
            assert_eq!(answer.header("set-cookie"), None, "{path} {headers:?}");
        }
    }
    let old_browser = post(&server, &signed_in, &consent, "/consent", &[("origin", "null")]).await;
    assert!(response(&old_browser, CALLBACK).contains_key("code"), "a browser without the header");
}

/// CK-06, CK-13
#[actix_web::test]
async fn a_csrf_token_is_of_one_browser_and_one_sign_in() {
    let server = server().await;
    let (mut ann, mut eve) = (Browser::new(&server), Browser::new(&server));
    let eves_page = eve.open(&request(&[])).await;
    let own_page = ann.open(&request(&[])).await;
    let forged = [("csrf", hidden(&eves_page, "/sign-in", "csrf")), ("csrf", String::new())];
    for (name, value) in forged {
        let sealed = hidden(&own_page, "/sign-in", "request");
        let fields = [(name, value.as_str()), ("request", &sealed), ("email", EMAIL), ("password", PASSWORD)];
        let answer = ann.post("/sign-in", &fields).await;
        assert_eq!(answer.status, 403);
        assert_eq!(ann.handle(), None, "login CSRF");
        assert!(answer.text.contains("action=\"/sign-in\""), "the page offers the form again");
    }
    let consent = ann.sign_in(&request(&[])).await;
    let eves_consent = eve.sign_in(&request(&[])).await;
    for csrf in [hidden(&eves_consent, "/consent", "csrf"), hidden(&own_page, "/sign-in", "csrf")] {
        let sealed = hidden(&consent, "/consent", "request");
        let fields = [("csrf", csrf.as_str()), ("request", &sealed), ("decision", "allow")];
        assert_eq!(ann.post("/consent", &fields).await.status, 403);
    }
    let old = consent;
    ann.sign_in(&request(&[("prompt", Some("login"))])).await;
    let answer = ann.submit(&old, "/consent", &[("decision", "allow")]).await;
    assert_eq!(answer.status, 403, "after another sign-in");
}

#[actix_web::test]
async fn a_pending_request_is_of_one_browser() {
    let server = server().await;
    let (mut ann, mut eve) = (Browser::new(&server), Browser::new(&server));
    let eves = hidden(&eve.open(&request(&[("state", Some("eves"))])).await, "/sign-in", "request");
    let consent = ann.sign_in(&request(&[])).await;
    for path in [format!("/authorize?resume={eves}"), format!("/sign-in?request={eves}")] {
        let page = ann.open(&path).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{path}");
    }
    let csrf = hidden(&consent, "/consent", "csrf");
    let fields = [("csrf", csrf.as_str()), ("request", &eves), ("decision", "allow")];
    let answer = ann.post("/consent", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
}

#[actix_web::test]
async fn after_a_sign_in_nothing_leads_to_another_site() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/sign-in").await;
    let csrf = hidden(&page, "/sign-in", "csrf");
    for next in
        ["https://evil.example", "//evil.example", "/\\evil.example", "x\r\nlocation: https://evil.example"]
    {
        let fields = [("csrf", csrf.as_str()), ("email", EMAIL), ("password", PASSWORD)];
        let with = |name| fields.into_iter().chain([(name, next)]).collect::<Vec<_>>();
        let answer = browser.post("/sign-in", &with("request")).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{next}");
        for name in ["next", "redirect_uri", "resume", "url"] {
            assert_eq!(location(&browser.post("/sign-in", &with(name)).await), "/account", "{name}={next}");
        }
    }
}

/// CK-09
#[actix_web::test]
async fn a_handle_or_a_browser_id_that_someone_else_chose_is_never_adopted() {
    let server = server().await;
    let mut eve = Browser::new(&server);
    eve.sign_in(&request(&[])).await;
    let planted = [eve.handle().unwrap(), "A".repeat(86), "x".to_owned()];
    for planted in planted {
        let mut ann = Browser::new(&server);
        let page = ann.open(&request(&[("prompt", Some("login"))])).await;
        let hidden = hidden_fields(&page, "/sign-in");
        let fields: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("email", super::fixture::OTHER_EMAIL), ("password", PASSWORD)])
            .collect();
        let cookie = format!("{}; signin={planted}", ann.jar.header("/"));
        let request = server.request(Method::POST, "/sign-in").form(&fields);
        let request = request.header("sec-fetch-site", "same-origin").header("cookie", cookie);
        ann.send(request).await;
        assert!(ann.handle().is_some_and(|handle| handle != planted));
    }
    let short = server.request(Method::GET, "/sign-in").header("cookie", "browser=x");
    let mut ann = Browser::new(&server);
    ann.send(short).await;
    assert_eq!(ann.jar.get("browser").unwrap().len(), 43, "it gets an id of its own");
}

/// CK-11
#[actix_web::test]
async fn two_cookies_of_one_name_are_rejected() {
    let server = server().await;
    for cookie in ["signin=a; signin=b", "browser=a; browser=b"] {
        let answer = server.send(server.request(Method::GET, "/sign-in").header("cookie", cookie)).await;
        assert_eq!(answer.status, 400, "{cookie}");
        assert!(answer.text.contains("Delete the cookies of this site"), "{}", answer.text);
    }
}

#[actix_web::test]
async fn a_second_click_on_sign_in_signs_in_too() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&request(&[])).await;
    browser.sign_in_as(&page, EMAIL, PASSWORD).await;
    let first = browser.handle();
    let second = browser.sign_in_as(&page, EMAIL, PASSWORD).await;
    assert_ne!(browser.handle(), first);
    assert!(is_consent(&browser.follow(&second).await));
}

#[actix_web::test]
async fn a_posted_request_continues_with_get() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let path = request(&[]);
    let query = path.split_once('?').unwrap().1.to_owned();
    let posted = browser.jar.foreign_request(&server, Method::POST, "/authorize").body(query);
    let posted = posted.header("content-type", "application/x-www-form-urlencoded");
    let answer = browser.send(posted.header("sec-fetch-site", "cross-site")).await;
    assert_eq!(location(&answer), path);
    assert!(is_sign_in(&browser.follow(&answer).await));
    for body in ["a=\r\nlocation: x", "a=\u{fc}", "a=#"] {
        let posted = server.request(Method::POST, "/authorize").body(body);
        let posted = posted.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(server.send(posted).await.status, 400, "{body:?}");
    }
}
