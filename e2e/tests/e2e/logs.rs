//! The log never stops a server: not when its reader is gone, not when it does not read, and not when strangers cause more
//! lines than a disk could take.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::programs::{Database, EMAIL, PASSWORD, Server, TIMEOUT, api_server, auth_server, program, run};

/// A server whose log the test reads, or does not.
struct Unwatched {
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
    metrics: String,
}

impl Unwatched {
    fn start(mut command: Command) -> Self {
        command.env("METRICS_ADDR", "127.0.0.1:0").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let metrics = word_after(&mut log, "metrics are at ");
        let url = word_after(&mut log, "listens on ");
        Self { child, log, url, metrics }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    async fn dropped_lines(&self) -> u64 {
        let metrics = reqwest::get(&self.metrics).await.unwrap().text().await.unwrap();
        let line =
            metrics.lines().find_map(|line| line.strip_prefix("goptri_log_lines_dropped_total ")).unwrap();
        line.parse().unwrap()
    }

    fn stops_with_success(&mut self) {
        let asked = Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0), "{status}");
                return;
            }
            assert!(asked.elapsed() < TIMEOUT, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Unwatched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn word_after(log: &mut impl BufRead, text: &str) -> String {
    let mut line = String::new();
    while log.read_line(&mut line).unwrap() > 0 {
        if let Some((_, after)) = line.split_once(text) {
            return after.split(['"', ' ', '\n']).next().unwrap().to_owned();
        }
        line.clear();
    }
    panic!("the log ended without {text:?}");
}

/// Sends the request `times` over one connection, many at once, and returns the statuses of the responses.
fn send(mut stream: TcpStream, request: &str, times: usize) -> Vec<String> {
    const AT_ONCE: usize = 50;
    let mut statuses = Vec::new();
    let mut received = String::new();
    for begun in (0..times).step_by(AT_ONCE) {
        let batch = AT_ONCE.min(times - begun);
        stream.write_all(request.repeat(batch).as_bytes()).unwrap();
        let mut buffer = [0; 16 * 1024];
        while received.matches("HTTP/1.1 ").count() < batch || !received.ends_with('}') {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection was closed after {} responses", statuses.len());
            received.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        statuses.extend(received.split("HTTP/1.1 ").skip(1).map(|response| response[..3].to_owned()));
        received.clear();
    }
    statuses
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_server_whose_log_has_no_reader_any_more_serves_on_and_exits_with_0() {
    let database = Database::sqlite();
    for command in [auth_server(&database.url()), api_server()] {
        let mut server = Unwatched::start(command);
        // The reader closes the pipe.
        let nothing = Command::new("true").stderr(Stdio::piped()).spawn().unwrap().stderr.take().unwrap();
        drop(std::mem::replace(&mut server.log, BufReader::new(nothing)));
        let client = reqwest::Client::new();
        let post = |path: &str, body: Value| client.post(format!("{}{path}", server.url)).json(&body).send();
        let account = json!({ "email": EMAIL, "password": PASSWORD });
        let statuses = [
            post("/users", account.clone()).await.unwrap().status().as_u16(),
            post("/login", account).await.unwrap().status().as_u16(),
            post("/token", json!({ "refresh_token": "forged" })).await.unwrap().status().as_u16(),
        ];
        assert!(statuses == [201, 200, 400] || statuses == [401; 3], "{statuses:?}");
        assert!(server.dropped_lines().await > 0);
        server.stops_with_success();
    }
}

#[tokio::test]
async fn a_server_whose_log_is_not_read_answers_every_request_and_counts_the_lines_that_it_drops() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("LOG_FORMAT", "json");
    let mut server = Unwatched::start(command);
    let fine = get("/currentuser", "");
    while server.dropped_lines().await == 0 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let statuses = send(server.connect(), &fine, 1_000);
                    assert!(statuses.len() == 1_000 && statuses.iter().all(|status| status == "200"));
                });
            }
        });
    }
    let forged = send(server.connect(), &get("/sessions", "Authorization: Bearer forged\r\n"), 600);
    assert!(forged.len() == 600 && forged.iter().all(|status| status == "401"), "{forged:?}");

    let dropped = server.dropped_lines().await;
    let mut line = String::new();
    while !line.contains("log lines were dropped") {
        line.clear();
        assert!(server.log.read_line(&mut line).unwrap() > 0, "the log says nothing of the dropped lines");
    }
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["level"], &line["fields"]["lines"]), (&json!("WARN"), &json!(dropped)));
    let ends = Instant::now();
    server.stops_with_success();
    assert!(ends.elapsed() < TIMEOUT);
}

#[test]
fn a_server_whose_log_is_not_read_exits_within_moments() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("LOG_FORMAT", "json");
    let mut server = Unwatched::start(command);
    // More than a pipe takes.
    send(server.connect(), &get("/currentuser", ""), 400);
    let asked = Instant::now();
    server.stops_with_success();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn a_flood_of_rejected_requests_leaves_a_few_lines_and_the_number_of_the_others() {
    const SIGN_INS: usize = 6_000;
    let database = Database::sqlite();
    let mut server = Server::start(auth_server(&database.url()));
    let body = json!({ "email": EMAIL, "password": "wrong" }).to_string();
    let sign_in = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let statuses = send(server.connect(), &sign_in, SIGN_INS / 4);
                assert!(statuses.iter().all(|status| status == "401" || status == "429"), "{statuses:?}");
            });
        }
    });
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 2;
    // Lines of other kinds are not affected.
    assert_eq!(send(server.connect(), &get("/currentuser", ""), 30), ["200"; 30]);
    server.running.signal("TERM");
    let log = server.running.whole_output();
    assert!(log.len() < seconds * 20_000 + 10_000, "{} bytes after {seconds} s:\n{log}", log.len());
    for text in ["sign-in rejected", "answered"] {
        let left_out: usize = log
            .lines()
            .filter(|line| {
                line.contains("more lines of this kind") && line.contains(&format!("line={text:?}"))
            })
            .map(|line| number_after(line, "left_out="))
            .sum();
        let logged = log.lines().filter(|line| line.contains(&format!(": {text} "))).count();
        let successes = if text == "answered" { 30 } else { 0 };
        assert_eq!(logged + left_out, SIGN_INS + successes, "{text}:\n{log}");
        assert!(left_out > SIGN_INS / 2, "{text}: {left_out} left out");
    }
    let complete = log.lines().filter(|line| line.contains("/currentuser") && line.contains("status=200"));
    assert_eq!(complete.count(), 30, "{log}");
}

fn number_after(line: &str, name: &str) -> usize {
    let (_, after) = line.split_once(name).unwrap_or_else(|| panic!("no {name}: {line}"));
    after.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_command_whose_output_is_not_read_exits_with_its_own_code() {
    let closed = || {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let pipe = child.stdin.take().unwrap();
        child.wait().unwrap();
        pipe
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite://{}", folder.path().join("missing.db").display());
    for (mut command, arguments, code) in [
        (auth_server(&missing), &["user", "list"][..], 1),
        (auth_server(&missing), &["user", "list", "--json"], 1),
        (program("auth-server"), &["serve"], 2),
        (program("api-server"), &["serve"], 2),
        (program("api-server"), &["check"], 2),
        (api_server(), &["check"], 1),
    ] {
        let expected = run(rebuilt(&command), arguments, "");
        assert_eq!(expected.status.code(), Some(code), "{arguments:?}: {expected:?}");
        command.args(arguments).stdout(closed()).stderr(closed());
        assert_eq!(command.status().unwrap().code(), Some(code), "{arguments:?}");
    }
}

/// The same program with the same variables.
fn rebuilt(command: &Command) -> Command {
    let mut again = Command::new(command.get_program());
    again.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    again
}
