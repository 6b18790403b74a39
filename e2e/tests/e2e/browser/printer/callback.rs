//! Responses at the printer's callback that do not belong to a request of this browser.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::Demo;

const REFUSED: &str = "does not belong to a request of this browser";

/// A request for consent that the printer began for one browser.
struct Asked {
    cookie: String,
    state: String,
}

async fn ask(client: &Client, demo: &Demo) -> Asked {
    let answer = client.get(format!("{}/print", demo.printer)).send().await.unwrap();
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = set.split(';').next().unwrap().to_owned();
    let location = Url::parse(answer.headers()[LOCATION].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(&format!("{}/authorize?", demo.auth)), "{location}");
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    Asked { cookie, state }
}

async fn call_back(client: &Client, demo: &Demo, cookie: &str, parameters: &[(&str, &str)]) -> Response {
    let url = Url::parse_with_params(&format!("{}/callback", demo.printer), parameters).unwrap();
    client.get(url).header(COOKIE, cookie).send().await.unwrap()
}

async fn assert_refused(answer: Response, why: &str) {
    assert_eq!(answer.status(), 400, "{why}");
    assert!(!answer.headers().contains_key(SET_COOKIE), "{why}");
    let page = answer.text().await.unwrap();
    assert!(page.contains(REFUSED), "{why}: {page}");
}

/// CSRF at the callback (RFC 9700 §4.7).
#[tokio::test(flavor = "multi_thread")]
async fn the_printer_takes_only_a_response_to_a_request_of_this_browser() {
    let demo = Demo::start().await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let (victim, attacker) = (ask(&client, &demo).await, ask(&client, &demo).await);
    assert_ne!(victim.state, attacker.state);
    for (cookie, state, why) in [
        (
            victim.cookie.as_str(),
            attacker.state.as_str(),
            "a page of the attacker sends the victim's browser here",
        ),
        ("", attacker.state.as_str(), "a browser that has not asked"),
        ("printer=made-up", attacker.state.as_str(), "a made-up visit"),
        (victim.cookie.as_str(), "", "an empty state"),
    ] {
        let parameters = [("code", "x"), ("state", state), ("iss", demo.auth.as_str())];
        assert_refused(call_back(&client, &demo, cookie, &parameters).await, why).await;
    }
    let without_state = [("code", "x"), ("iss", demo.auth.as_str())];
    assert_refused(call_back(&client, &demo, &victim.cookie, &without_state).await, "no state").await;
    // The victim's own request is still pending; its response counts once.
    let denied = [("error", "access_denied"), ("state", victim.state.as_str()), ("iss", demo.auth.as_str())];
    let answer = call_back(&client, &demo, &victim.cookie, &denied).await;
    assert!(answer.text().await.unwrap().contains("Nothing was printed"));
    assert_refused(call_back(&client, &demo, &victim.cookie, &denied).await, "a second time").await;
}

/// Mix-up: the code of one authorization server must not reach another one (RFC 9207, RFC 9700 §4.4).
#[tokio::test(flavor = "multi_thread")]
async fn the_printer_does_not_take_the_response_of_another_authorization_server() {
    let demo = Demo::start().await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    for iss in [None, Some("https://evil.example"), Some(""), Some("http://localhost")] {
        let asked = ask(&client, &demo).await;
        let mut parameters = vec![("code", "x"), ("state", asked.state.as_str())];
        parameters.extend(iss.map(|iss| ("iss", iss)));
        assert_refused(call_back(&client, &demo, &asked.cookie, &parameters).await, &format!("{iss:?}"))
            .await;
    }
}
