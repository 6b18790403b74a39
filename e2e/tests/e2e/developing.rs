//! `cargo dev`: both servers in one process, and everything kept for the next start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use reqwest::Client;
use serde_json::{Value, json};

use crate::programs::{Running, program};

fn dev(folder: &Path) -> Command {
    let mut command = program("dev");
    command
        .arg("--data")
        .arg(folder)
        .env("AUTH_SERVER_ADDR", "127.0.0.1:0")
        .env("API_SERVER_ADDR", "127.0.0.1:0");
    command.current_dir(folder.parent().unwrap());
    command
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first_and_ctrl_c_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let client = Client::new();
    let mut refresh = None;
    for _ in 0..2 {
        let mut running = Running::start(dev(&data));
        let (auth, api) = (running.wait_for("auth-server   "), running.wait_for("api-server    "));
        let (email, password) = (running.wait_for("demo user     "), running.wait_for("password      "));
        if let Some(token) = refresh.take() {
            let answer = client
                .post(format!("{auth}/token"))
                .json(&json!({ "refresh_token": token }))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200, "the session of the first start lives on");
        }
        let credentials = json!({ "email": email, "password": password });
        let tokens: Value = client
            .post(format!("{auth}/login"))
            .json(&credentials)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let me = client
            .get(format!("{api}/me"))
            .bearer_auth(tokens["access_token"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(me.status(), 200);
        refresh = tokens["refresh_token"].as_str().map(str::to_owned);
        running.signal("INT");
        assert_eq!(running.wait().code(), Some(0), "{}", running.output());
        assert!(running.whole_output().contains("Stopped."));
    }
    for file in ["secrets.env", "demo-password", "goptri.db"] {
        let mode = fs::metadata(data.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable by others: {mode:o}");
    }
}

/// The session that it prints is pasted as it stands.
#[test]
fn the_printed_session_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(dev(&folder.path().join("data")));
    running.wait_for("Ctrl-C");
    let output = running.output();
    assert!(!output.contains(" INFO "), "nothing but the text is said: {output}");
    let session: Vec<&str> = output
        .lines()
        .skip_while(|line| !line.contains("Paste"))
        .filter(|line| line.starts_with("  "))
        .collect();
    assert_eq!(session.len(), 8, "{output}");
    let pasted = Command::new("bash").arg("-c").arg(session.join("\n")).output().unwrap();
    let answers = String::from_utf8_lossy(&pasted.stdout);
    let statuses: Vec<&str> =
        answers.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).map(|line| &line[..3]).collect();
    assert_eq!(statuses, ["200", "200", "204", "400"], "{answers}");
}

#[test]
fn a_taken_port_and_an_unusable_folder_are_clear_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Running::start(dev(&folder.path().join("data")));
    let taken = first.wait_for("api-server    ");
    let mut second = dev(&folder.path().join("other"));
    second.env("API_SERVER_ADDR", taken.trim_start_matches("http://"));
    let output = second.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("is in use") && told.contains("API_SERVER_ADDR"),
        "{told}"
    );
    assert!(!told.contains("panicked"));

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = dev(&file).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("cannot be used") && !told.contains("panicked"),
        "{told}"
    );
}
