//! A request that a network held back, and delivers after newer ones of the same client.

use std::io::Write;

use serde_json::{Value, json};

use crate::programs::{Database, Server, auth_server, read_to_end};

async fn refresh(server: &Server, token: &str) -> String {
    let answer = server.post("/token", &json!({ "refresh_token": token })).await;
    assert_eq!(answer.status(), 200);
    let tokens: Value = answer.json().await.unwrap();
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

/// RT-05
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_arrives_two_generations_late_is_refused_and_the_session_lives_on() {
    let database = Database::sqlite();
    let server = Server::start(auth_server(&database.url()));
    server.register().await;
    let (_, first) = server.sign_in().await;
    let body = json!({ "refresh_token": first }).to_string();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let (sent, held_back) = body.split_at(body.len() / 2);
    let mut cut_off = server.connect();
    cut_off.write_all(format!("{head}{sent}").as_bytes()).unwrap();
    let second = refresh(&server, &first).await;
    let third = refresh(&server, &second).await;
    cut_off.write_all(held_back.as_bytes()).unwrap();
    let answer = read_to_end(cut_off).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: ") && answer.contains("send the newest one"), "{answer}");
    refresh(&server, &third).await;
}
