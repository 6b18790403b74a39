//! `cargo dev`: both servers in one process, with secrets, data and settings of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

use crate::programs::{Running, TIMEOUT, free_address, program};

fn dev(folder: &Path) -> Command {
    dev_with_example(folder, &free_address())
}

fn dev_with_example(folder: &Path, address: &str) -> Command {
    let mut command = program("dev");
    command
        .arg("--data")
        .arg(folder)
        .args(["--example", address, "--printer", &free_address()])
        .env("AUTH_SERVER_ADDR", "127.0.0.1:0")
        .env("API_SERVER_ADDR", "127.0.0.1:0");
    command.current_dir(folder.parent().unwrap());
    command
}

fn started(folder: &Path) -> Running {
    let mut running = Running::start(dev(folder));
    running.wait_for("Ctrl-C");
    running
}

/// The value of a line such as `api-server    http://127.0.0.1:3000`.
fn value(output: &str, name: &str) -> String {
    let mut values = output.lines().filter_map(|line| line.trim().strip_prefix(name));
    values.next().unwrap_or_else(|| panic!("no {name} in {output}")).trim().to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until nothing listens at the addresses in this output any more.
fn both_servers_stop(output: &str) {
    let ports = output.split("http://127.0.0.1:").skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok()
    });
    let begun = Instant::now();
    for port in ports {
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(begun.elapsed() < TIMEOUT, "port {port} still listens, although the terminal was closed");
            sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first_and_ctrl_c_stops_silently() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let client = Client::new();
    let mut refresh = None;
    for _ in 0..2 {
        let mut running = started(&data);
        let output = running.output();
        let (auth, api) = (value(&output, "auth-server"), value(&output, "api-server"));
        if let Some(token) = refresh.take() {
            let body = json!({ "refresh_token": token });
            let answer = client.post(format!("{auth}/token")).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "the session of the first start lives on");
        }
        let credentials =
            json!({ "email": value(&output, "demo user"), "password": value(&output, "password") });
        let answer = client.post(format!("{auth}/login")).json(&credentials).send().await.unwrap();
        let tokens: Value = answer.json().await.unwrap();
        assert_eq!(tokens["scope"], "photos:read photos:write");
        let access = tokens["access_token"].as_str().unwrap();
        let me = client.get(format!("{api}/me")).bearer_auth(access).send().await.unwrap();
        assert_eq!(me.status(), 200);
        refresh = tokens["refresh_token"].as_str().map(str::to_owned);
        running.signal("INT");
        assert_eq!(running.wait().code(), Some(0), "{}", running.output());
        assert_eq!(running.whole_output(), output, "nothing is printed while it stops");
    }
    for file in ["secrets.env", "demo-password", "goptri.db", "try"] {
        let mode = fs::metadata(data.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable by others: {mode:o}");
    }
}

/// The addresses of docs/http.md.
#[tokio::test]
async fn pages_of_the_usual_development_servers_may_call_both() {
    let folder = tempfile::tempdir().unwrap();
    let running = started(&folder.path().join("data"));
    let output = running.output();
    for server in ["auth-server", "api-server"] {
        for (origin, allowed) in [
            ("http://localhost:5173", true),
            ("http://localhost:3001", true),
            ("http://localhost:5174", false),
        ] {
            let request = Client::new().get(format!("{}/healthz", value(&output, server)));
            let answer = request.header("Origin", origin).send().await.unwrap();
            let found = answer.headers().get("access-control-allow-origin");
            assert_eq!(found.is_some_and(|found| found == origin), allowed, "{server} {origin}");
        }
    }
}

#[test]
fn the_welcome_says_where_everything_is_and_has_colour_on_terminals_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = started(&data).output();
    assert!(output.contains(concat!("Goptri ", env!("CARGO_PKG_VERSION"), ", ready in ")), "{output}");
    assert!(value(&output, "try it").starts_with(data.join("try").to_str().unwrap()), "{output}");
    assert!(value(&output, "data").starts_with(data.to_str().unwrap()), "{output}");
    assert_eq!(value(&output, "more log"), "RUST_LOG=info cargo dev");
    assert!(!output.contains(" INFO ") && !output.contains('\x1b'), "{output}");
    for (no_color, coloured) in [("", true), ("1", false)] {
        let mut script = Command::new("script");
        let line = format!("{} --data data", program("dev").get_program().to_str().unwrap());
        script.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
        script
            .env("NO_COLOR", no_color)
            .env("AUTH_SERVER_ADDR", "127.0.0.1:0")
            .env("API_SERVER_ADDR", "127.0.0.1:0");
        let mut on_a_terminal = Running::start(script);
        on_a_terminal.wait_for("Ctrl-C");
        let output = on_a_terminal.output();
        assert_eq!(output.contains("\x1b["), coloured, "{output}");
        drop(on_a_terminal);
        both_servers_stop(&output);
    }
}

#[test]
fn the_script_signs_in_calls_refreshes_signs_out_and_is_rejected_immediately() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let running = started(&data);
    let ran = Command::new(data.join("try")).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}{}", stderr(&ran));
    let statuses: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("   ")?.get(..3)).collect();
    assert_eq!(statuses, ["200", "200", "200", "200", "204", "401", "400"], "{text}");
    assert!(
        text.contains("demo@example.com") && text.contains("invalid_token") && text.contains("invalid_grant")
    );

    let started = Instant::now();
    while running.output().matches("  401  GET /me").count() == 0 {
        assert!(started.elapsed() < TIMEOUT, "{}", running.output());
        sleep(Duration::from_millis(10));
    }
    drop(running);
    let ran = Command::new(data.join("try")).output().unwrap();
    assert!(
        !ran.status.success() && stderr(&ran).contains("curl"),
        "without servers it fails: {}",
        stderr(&ran)
    );
}

#[tokio::test]
async fn each_rejected_request_is_one_line_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = started(&folder.path().join("data"));
    let output = running.output();
    let (auth, api) = (value(&output, "auth-server"), value(&output, "api-server"));
    let client = Client::new();
    let wrong = json!({ "email": "demo@example.com", "password": "not this one at all" });
    client.post(format!("{auth}/login")).json(&wrong).send().await.unwrap();
    client.get(format!("{api}/me")).bearer_auth("a.b.c").send().await.unwrap();
    client.get(format!("{api}/me")).send().await.unwrap();
    client.get(format!("{api}/healthz")).send().await.unwrap();
    running.signal("INT");
    let whole = running.whole_output();
    let lines: Vec<&str> = whole.strip_prefix(output.as_str()).unwrap().lines().collect();
    assert_eq!(lines.len(), 3, "{whole}");
    assert!(lines[0].starts_with("  401  POST /login  ") && lines[0].contains("wrong password"), "{whole}");
    assert!(lines[1].starts_with("  401  GET /me  ") && lines[1].len() > 30, "{whole}");
    assert_eq!(lines[2], "  401  GET /me  no access token");
    assert!(!whole.contains("not this one at all") && !whole.contains("a.b.c"), "{whole}");
}

#[test]
fn only_named_settings_count_and_the_rest_is_reported_as_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::write(folder.path().join(".env"), "REGISTRATION='closed\n").unwrap();
    let mut command = dev(&data);
    command
        .env("ACCESS_TOKEN_TTL", "7s")
        .env("DATABASE_URL", "postgres://nowhere.invalid/goptri")
        .env("ACCESS_TOKEN_SECRET", "hunter2-hunter2-hunter2-hunter2-hunter2")
        .env("PHOTOS_DIR", "/nowhere/at/all");
    let mut running = Running::start(command);
    running.wait_for("Ctrl-C");
    let output = running.output();
    let settings = value(&output, "settings");
    assert!(
        settings.contains("ACCESS_TOKEN_TTL=7s AP") && settings.contains("(from the environment)"),
        "{output}"
    );
    assert!(
        value(&output, "ignored").starts_with("ACCESS_TOKEN_SECRET DATABASE_URL PHOTOS_DIR .env "),
        "{output}"
    );
    assert!(!output.contains("hunter2"), "{output}");
    assert!(data.join("goptri.db").exists() && data.join("photos").exists());
    let ran = Command::new(data.join("try")).output().unwrap();
    assert!(ran.status.success(), "{}", stderr(&ran));
}

#[test]
fn taken_ports_and_an_unusable_folder_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [one, other] = [one, other].map(|taken| (taken.local_addr().unwrap().to_string(), taken));
    let free = free_address();
    for (auth, api, named) in [(&one.0, &other.0, &[&one.0, &other.0][..]), (&free, &other.0, &[&other.0])] {
        let mut command = dev(&folder.path().join("other"));
        let output = command.env("AUTH_SERVER_ADDR", auth).env("API_SERVER_ADDR", api).output().unwrap();
        let text = stderr(&output);
        assert!(!output.status.success() && !text.contains("panicked"), "{text}");
        assert!(named.iter().all(|address| text.contains(*address)), "{text}");
        assert!(!text.contains(&free) && text.contains("another cargo dev"), "{text}");
    }

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = dev(&file).output().unwrap();
    let text = stderr(&output);
    assert!(
        !output.status.success() && text.contains("cannot be used") && !text.contains("panicked"),
        "{text}"
    );
}

#[tokio::test]
async fn the_example_page_has_an_origin_of_its_own_and_is_left_out_if_its_port_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let first = started(&folder.path().join("first"));
    let (auth, origin) = (value(&first.output(), "auth-server"), value(&first.output(), "example page"));
    let page = reqwest::get(&origin).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&auth.replace("127.0.0.1", "localhost")), "{policy}");
    assert!(page.text().await.unwrap().contains("app.js"));
    let module = reqwest::get(format!("{origin}/goptri.js")).await.unwrap().text().await.unwrap();
    assert!(module == include_str!("../../../clients/browser/dist/index.js"), "cargo dev is not built anew");

    let address = origin.replace("http://localhost", "127.0.0.1");
    let mut second = Running::start(dev_with_example(&folder.path().join("second"), &address));
    second.wait_for("Ctrl-C");
    assert!(value(&second.output(), "example page").starts_with("none: "), "{}", second.output());
}

#[test]
fn help_names_cargo_dev() {
    for arguments in [&["--", "--help"][..], &["--help"]] {
        let output = program("dev").args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("Usage: cargo dev -- "), "{text}");
    }
}
