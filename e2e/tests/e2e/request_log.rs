//! The log has one line per request, unless it is switched off; and one for a follower with a wrong secret.

use std::process::Command;

use crate::programs::{Database, Server, api_server, auth_server};

/// The log lines about requests, once the server has handled `requests` and stopped.
async fn lines(command: Command, requests: &[&str]) -> Vec<String> {
    let mut server = Server::start(command);
    for path in requests {
        server.get(path, "forged").await;
    }
    server.running.signal("TERM");
    let output = server.running.whole_output();
    output.lines().filter(|line| line.contains(" status=")).map(str::to_owned).collect()
}

fn without_log(mut command: Command) -> Command {
    command.env("REQUEST_LOG", "off");
    command
}

/// The value of a field.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, after) = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no {name}: {line}"));
    after.split([' ', '}']).next().unwrap()
}

#[tokio::test]
async fn each_request_gets_one_line_and_a_health_check_none() {
    let database = Database::sqlite();
    let requests = ["/sessions", "/healthz", "/readyz", "/currentuser", "/nowhere"];
    let lines = lines(auth_server(&database.url()), &requests).await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (field(line, "method"), field(line, "route"), field(line, "status")))
        .collect();
    let expected =
        [("GET", r#""/sessions""#, "401"), ("GET", r#""/currentuser""#, "200"), ("GET", r#""""#, "404")];
    assert_eq!(seen, expected);
    for line in &lines {
        assert!(line.contains(" INFO ") && field(line, "{id").len() > 16, "{line}");
        let refused = line.contains("it is not a JWS");
        // A route for every caller says why it ignored the token; no route verified that of the last request.
        assert_eq!(refused, field(line, "route") != r#""""#, "{line}");
        let ms: f64 = field(line, " ms").parse().unwrap();
        assert!((0.0..60_000.0).contains(&ms), "{line}");
    }
}

#[tokio::test]
async fn without_the_request_log_only_server_errors_have_a_line() {
    let database = Database::sqlite();
    let lines_of_auth = lines(without_log(auth_server(&database.url())), &["/currentuser"]).await;
    assert_eq!(lines_of_auth, Vec::<String>::new());
    // Not ready, as it follows no auth-server.
    let lines = lines(without_log(api_server()), &["/me", "/readyz"]).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(" WARN ") && field(&lines[0], "route") == r#""/readyz""#, "{lines:?}");
    assert!(lines[0].contains("reason=") && lines[0].contains("revocation feed"), "{lines:?}");
}

#[tokio::test]
async fn a_wrong_feed_secret_is_logged_once_with_its_address() {
    let database = Database::sqlite();
    let mut server = Server::start(auth_server(&database.url()));
    for _ in 0..5 {
        assert_eq!(server.get("/revocations", "a-secret-that-this-server-does-not-have").await.status(), 401);
    }
    server.running.signal("TERM");
    let output = server.running.whole_output();
    let lines: Vec<_> = output.lines().filter(|line| line.contains("FEED_SECRET")).collect();
    assert_eq!(lines.len(), 1, "{output}");
    assert!(lines[0].contains(" WARN ") && lines[0].contains("client=127.0.0.1"), "{output}");
    assert!(!output.contains("a-secret-that"), "{output}");
}

#[test]
fn the_start_line_names_the_database_without_its_password_and_the_key_that_signs() {
    let database = Database::sqlite();
    let server = Server::start(auth_server(&database.url()));
    let output = server.running.output();
    let line = output.lines().find(|line| line.contains("listens on")).unwrap();
    for part in [
        "version=\"0.1.0\"",
        "database=\"sqlite://",
        "issuer=\"http://localhost:4000\"",
        "kid=",
        "alg=\"HS256\"",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(line.contains("registration=\"open\""), "{line}");
    let server = Server::start(api_server());
    let output = server.running.output();
    let line = output.lines().find(|line| line.contains("listens on")).unwrap();
    for part in ["keys=\"ACCESS_TOKEN_SECRET, http://127.0.0.1:1/", "feed=\"http://127.0.0.1:1/revocations\""]
    {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
