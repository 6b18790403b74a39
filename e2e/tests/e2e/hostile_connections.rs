//! Many connections of clients that send too much, finish nothing, or read nothing.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use goptri_server::raise_descriptor_limit;

use crate::programs::{Database, Running, Server, TIMEOUT, api_server, auth_server};

/// More than the soft limit of a process on many systems.
const CONNECTIONS: usize = 1_200;

/// The stated bound for each connection (docs/deploy.md).
const MAX_KIB_PER_CONNECTION: usize = 512;

/// A body that is not finished. No route reads it, so the response comes first.
const UNFINISHED: &str = "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";

/// The command, started by a shell that permits few descriptors. The hard limit stays.
fn with_few_descriptors(command: &Command) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "ulimit -Sn 256 && exec \"$0\""]).arg(command.get_program()).env_clear();
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

fn open(server: &Server, connections: usize, sent: &str) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = server.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    (0..connections).map(connect).collect()
}

/// Sends many requests on each connection, and reads nothing.
fn pipeline(streams: &[TcpStream]) {
    let requests = "GET / HTTP/1.1\r\nHost:a\r\n\r\nHEAD / HTTP/1.1\r\nHost:a\r\n\r\n".repeat(1200);
    for mut stream in streams {
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write(requests.as_bytes());
        stream.set_nonblocking(false).unwrap();
    }
}

fn is_reachable(server: &Server) -> bool {
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// A server that is busy may be too late for a request, and answer 408.
fn wait_until_reachable(server: &Server) {
    let started = Instant::now();
    while !is_reachable(server) {
        assert!(started.elapsed() < TIMEOUT, "it is not reachable");
    }
}

fn rss(running: &Running) -> usize {
    running.status("VmRSS")
}

/// Waits until the memory is at most `limit` KiB.
fn wait_for_rss(server: &Server, limit: usize) {
    let started = Instant::now();
    while rss(&server.running) > limit {
        assert!(started.elapsed() < TIMEOUT, "{} KiB, not {limit}", rss(&server.running));
        is_reachable(server);
        thread::sleep(Duration::from_millis(50));
    }
}

fn is_reachable_beside_unfinished_bodies(command: &Command) {
    raise_descriptor_limit();
    let server = Server::start(with_few_descriptors(command));
    let streams = open(&server, CONNECTIONS, UNFINISHED);
    wait_until_reachable(&server);
    let log = server.running.output();
    assert!(log.contains("this process may open") && log.contains("before=256"), "{log}");
    for mut stream in streams {
        // Until the server closes the connection.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 40"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn auth_server_is_reachable_beside_a_thousand_unfinished_bodies() {
    let database = Database::sqlite();
    is_reachable_beside_unfinished_bodies(&auth_server(&database.url()));
}

#[test]
fn api_server_is_reachable_beside_a_thousand_unfinished_bodies() {
    is_reachable_beside_unfinished_bodies(&api_server());
}

fn memory_is_bounded_and_given_back(mut command: Command) {
    const READING_NOTHING: usize = 40;
    raise_descriptor_limit();
    command.env("REQUEST_LOG", "off");
    let server = Server::start(command);
    assert!(is_reachable(&server));
    let before = rss(&server.running);

    let streams = open(&server, READING_NOTHING, "");
    pipeline(&streams);
    wait_until_reachable(&server);
    let most = server.running.status("VmHWM");
    assert!(most < before + READING_NOTHING * MAX_KIB_PER_CONNECTION, "{before} KiB, then {most}");
    drop(streams);

    drop(open(&server, CONNECTIONS, UNFINISHED));
    wait_for_rss(&server, before * 3 / 2);
}

#[test]
fn memory_of_auth_server_is_bounded_and_given_back() {
    let database = Database::sqlite();
    memory_is_bounded_and_given_back(auth_server(&database.url()));
}

#[test]
fn memory_of_api_server_is_bounded_and_given_back() {
    memory_is_bounded_and_given_back(api_server());
}
