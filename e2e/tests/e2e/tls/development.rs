//! `cargo dev --tls`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::programs::{Running, program};

fn start(data: &Path) -> Running {
    let mut command = program("dev");
    command.arg("--data").arg(data).arg("--tls").current_dir(data.parent().unwrap());
    command.env("AUTH_SERVER_ADDR", "127.0.0.1:0").env("API_SERVER_ADDR", "127.0.0.1:0");
    let mut running = Running::start(command);
    running.wait_for("Ctrl-C");
    running
}

#[test]
fn both_servers_use_a_certificate_of_their_own_which_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let running = start(&data);
    let output = running.output();
    assert!(output.contains("auth-server   https://127.0.0.1:"), "{output}");
    assert!(output.contains("api-server    https://127.0.0.1:"), "{output}");
    assert!(output.contains(data.join("ca.pem").to_str().unwrap()), "{output}");
    let ran = Command::new(data.join("try")).current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(text.contains("invalid_token"), "{text}");

    let files = ["ca.pem", "cert.pem", "key.pem"].map(|name| data.join(name));
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let read = || files.each_ref().map(|file| fs::read_to_string(file).unwrap());
    let first = read();
    drop(running);
    drop(start(&data));
    assert_eq!(read(), first, "a browser that trusts it goes on to do so");
    fs::write(&files[2], "damaged").unwrap();
    drop(start(&data));
    assert_ne!(read(), first);
}
