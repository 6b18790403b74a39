//! On SIGTERM a server stops accepting connections, finishes requests in flight, closes the database and exits with 0.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::programs::{
    Database, EMAIL, FEED_SECRET, PASSWORD, Server, TIMEOUT, api_server, auth_server, read_to_end,
};

/// Sends the head of a request without its body.
fn begin(server: &Server, request: &str, length: usize) -> TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn refuses_connections(server: &Server) -> bool {
    let started = std::time::Instant::now();
    while started.elapsed() < TIMEOUT {
        if TcpStream::connect(server.url.trim_start_matches("http://")).is_err() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

/// All threads of the server have handled requests before: a thread that stops early must not close resources that a busy
/// thread still needs.
async fn finishes_a_sign_in_in_flight(database: Database) {
    let mut server = Server::start(auth_server(&database.url()));
    server.register().await;
    tokio::join!(server.sign_in(), server.sign_in(), server.sign_in(), server.sign_in());
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let (first, rest) = body.split_at(10);
    let mut in_flight = begin(&server, "POST /login", body.len());
    in_flight.write_all(first.as_bytes()).unwrap();
    // A complete request on another connection gives the first time to reach a handler.
    server.sign_in().await;
    server.running.signal("TERM");
    server.running.wait_for("stopping");
    assert!(refuses_connections(&server), "it accepts no new connections");
    in_flight.write_all(rest.as_bytes()).unwrap();
    let answer = read_to_end(in_flight);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("access_token"), "{answer}");
    assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
    assert!(server.running.whole_output().contains("auth-server has stopped"));
}

#[tokio::test]
async fn auth_server_finishes_requests_in_flight_on_sqlite() {
    finishes_a_sign_in_in_flight(Database::sqlite()).await;
}

#[tokio::test]
async fn auth_server_finishes_requests_in_flight_on_postgres() {
    finishes_a_sign_in_in_flight(Database::postgres().await).await;
}

#[test]
fn both_servers_exit_with_0_on_sigint_and_sigterm() {
    for signal in ["INT", "TERM"] {
        let database = Database::sqlite();
        for mut server in [Server::start(api_server()), Server::start(auth_server(&database.url()))] {
            // An idle keep-alive connection does not delay the exit.
            let idle = server.connect();
            server.running.signal(signal);
            assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
            drop(idle);
        }
    }
}

/// The terminal that a program reads from has closed.
#[test]
fn sighup_stops_a_server_that_is_attached_to_a_terminal_and_no_other() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let database = Database::sqlite();
    for command in [auth_server(&database.url()), api_server()] {
        let mut command = command;
        command.stdin(File::options().read(true).open(name.to_str().unwrap()).unwrap());
        let mut server = Server::start(command);
        server.running.signal("HUP");
        assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
        assert!(server.running.whole_output().contains("stopping"));
    }
    for command in [auth_server(&database.url()), api_server()] {
        let mut server = Server::start(command);
        server.running.signal("HUP");
        server.running.wait_for("SIGHUP: nothing to reload");
        server.running.signal("TERM");
        assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
    }
}

/// A balancer learns from `/readyz` that it should send no more requests, before connections are refused.
#[tokio::test]
async fn with_a_shutdown_delay_a_server_is_not_ready_and_serves_on_before_it_stops() {
    let database = Database::sqlite();
    for mut command in [auth_server(&database.url()), api_server()] {
        command.env("SHUTDOWN_DELAY", "2s");
        let mut server = Server::start(command);
        let asked = std::time::Instant::now();
        server.running.signal("TERM");
        server.running.wait_for("still serving for SHUTDOWN_DELAY");
        let ready = server.get("/readyz", "").await;
        assert_eq!(ready.status(), 503);
        assert!(ready.text().await.unwrap().contains("is stopping"));
        assert_eq!(server.get("/healthz", "").await.status(), 200, "new connections are accepted");
        assert!(asked.elapsed() < Duration::from_secs(2), "the test is too slow to show anything");
        assert!(refuses_connections(&server));
        assert!(asked.elapsed() >= Duration::from_secs(2), "{:?}", asked.elapsed());
        assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
    }
}

/// Followers stay connected while other requests are served.
#[tokio::test]
async fn streams_of_the_feed_end_after_the_shutdown_delay() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("SHUTDOWN_DELAY", "2s");
    let mut server = Server::start(command);
    let url = format!("{}/revocations", server.url);
    let stream =
        reqwest::Client::new().get(url).bearer_auth(FEED_SECRET).header("accept", "text/event-stream");
    let mut stream = stream.send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    let asked = std::time::Instant::now();
    server.running.signal("TERM");
    while let Ok(Some(_)) = stream.chunk().await {}
    assert!(asked.elapsed() >= Duration::from_secs(2), "the stream ended after {:?}", asked.elapsed());
    assert_eq!(server.running.wait().code(), Some(0), "{}", server.running.output());
}
