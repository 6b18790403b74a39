//! A request that a network held back, and delivers after newer ones of the same client.

use std::io::Write;
use std::time::Duration;

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
async fn a_refresh_that_arrives_two_generations_late_is_rejected_and_the_session_lives_on() {
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

/// A client sends its request to a server that is suspended, gives up, and goes on at another one for longer than the
/// grace. The server then finds the request.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_waited_at_a_suspended_server_ends_no_session() {
    let database = Database::postgres().await;
    let start = || {
        let mut command = auth_server(&database.url());
        command.env("REFRESH_GRACE", "1s");
        Server::start(command)
    };
    let (suspended, other) = (start(), start());
    suspended.register().await;
    let (_, first) = suspended.sign_in().await;
    let body = json!({ "refresh_token": first }).to_string();
    let request = format!(
        "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );

    suspended.running.signal("STOP");
    let mut waiting = suspended.connect();
    waiting.write_all(request.as_bytes()).unwrap();
    let second = refresh(&other, &first).await;
    let third = refresh(&other, &second).await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    suspended.running.signal("CONT");

    let answer = read_to_end(waiting).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("\r\nretry-after: "), "{answer}");
    assert!(suspended.running.output().contains("this process was suspended"));
    let fourth = refresh(&suspended, &third).await;

    // Theft at a server that was not suspended is detected as before.
    let fifth = refresh(&other, &fourth).await;
    let _ = refresh(&other, &fifth).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let stolen = other.post("/token", &json!({ "refresh_token": fourth })).await;
    assert_eq!(stolen.status(), 400);
}
