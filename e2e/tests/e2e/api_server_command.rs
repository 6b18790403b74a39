//! The command line of api-server.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::programs::{Database, FEED_SECRET, Server, api_server, api_server_that_follows, auth_server};

fn run(mut command: Command, arguments: &str) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.args(arguments.split(' ')).output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// The JSON on the first line; the log follows it.
fn json_of(output: &str) -> Value {
    serde_json::from_str(output.lines().next().unwrap()).unwrap()
}

#[test]
fn help_and_version_are_printed() {
    let (code, help) = run(api_server(), "--help");
    assert!(code == Some(0) && help.contains("sample application") && help.contains("check"), "{help}");
    assert_eq!(run(api_server(), "--version"), (Some(0), "api-server 0.1.0\n".to_owned()));
    let (code, usage) = run(api_server(), "serv");
    assert!(code == Some(1) && usage.contains("unrecognized subcommand"), "{code:?} {usage}");
}

#[test]
fn check_reports_every_invalid_setting_and_exits_with_2() {
    let mut command = api_server();
    command.env("ON_STALE", "maybe").env("PHOTOS_DIR", "/dev/null/photos").env_remove("FEED_SECRET");
    let (code, output) = run(command, "check");
    assert_eq!(code, Some(2), "{output}");
    assert!(output.starts_with("Configuration: 3 settings wrong.\n"), "{output}");
    for variable in ["ON_STALE", "PHOTOS_DIR", "FEED_SECRET"] {
        assert_eq!(output.matches(&format!("  {variable} ")).count(), 1, "{variable}: {output}");
    }
}

#[test]
fn check_prints_json_on_demand() {
    let mut command = api_server();
    command.env("ON_STALE", "maybe");
    let (code, output) = run(command, "check --json");
    let report = json_of(&output);
    assert_eq!(
        (code, &report["ok"], &report["configuration"]["ok"]),
        (Some(2), &json!(false), &json!(false))
    );
    assert_eq!(report["configuration"]["errors"][0]["variable"], "ON_STALE");

    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    let (code, output) = run(api_server_that_follows(&auth.url), "check --json");
    let report = json_of(&output);
    assert_eq!((code, &report["ok"], &report["auth_server"]["ok"]), (Some(0), &json!(true), &json!(true)));
}

#[test]
fn check_says_whether_auth_server_is_reachable() {
    let (code, output) = run(api_server(), "check");
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("auth-server: cannot be used at http://127.0.0.1:1/revocations"), "{output}");

    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    let (code, output) = run(api_server_that_follows(&auth.url), "check");
    assert_eq!(code, Some(0), "{output}");
    for line in ["Configuration: no errors.", "Photos: the folder is writable.", "and the feed is complete."]
    {
        assert!(output.contains(line), "{line} is not in {output}");
    }

    let mut command = api_server_that_follows(&auth.url);
    command.env("FEED_SECRET", FEED_SECRET.to_uppercase());
    let (code, output) = run(command, "check");
    assert_eq!(code, Some(1), "a wrong secret is rejected: {output}");
}
