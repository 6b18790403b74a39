//! Runs the shell blocks of docs/rotating-keys.md next to servers that read the files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::fleet::client;
use super::keys::Key;
use crate::programs::{
    Database, Running, Server, api_server_that_follows, auth_server, free_address, program,
};
use crate::readme::{Step, assert_answers, steps_of};

const PAGE: &str = include_str!("../../../../docs/rotating-keys.md");

fn section(heading: &str) -> Vec<Step> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    steps_of(section.split_once('\n').unwrap().1)
}

/// Runs the blocks in `folder` and compares their output.
fn run(steps: &[Step], folder: &Path, addresses: &[(&str, &str)]) {
    let mut script = String::from("set -euo pipefail\n");
    for step in steps {
        script.push_str("echo '=== step'\n");
        script.push_str(
            &addresses.iter().fold(step.typed.clone(), |typed, (page, here)| typed.replace(page, here)),
        );
    }
    let programs = Path::new(program("auth-server").get_program()).parent().unwrap().to_owned();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(script).current_dir(folder).env_clear().env("PATH", path).stdin(Stdio::null());
    let ran = bash.output().unwrap();
    assert_answers(steps, &ran);
}

fn folder_with(name: &str, contents: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// The number of key changes in a log.
fn changes(server: &Running) -> usize {
    server.output().matches("have changed").count()
}

#[test]
fn the_commands_that_move_secrets_to_files_leave_none_in_env() {
    let secrets = program("auth-server").arg("secrets").output().unwrap().stdout;
    let (folder, env) = folder_with(".env", std::str::from_utf8(&secrets).unwrap());
    let before = fs::read_to_string(&env).unwrap();
    run(&section("Moving secrets"), folder.path(), &[]);
    let after = fs::read_to_string(&env).unwrap();
    let mut moved = 0;
    for line in after.lines() {
        let (variable, file) = line.split_once('=').unwrap();
        if let Some(name) = variable.strip_suffix("_FILE") {
            let secret = fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(
                before.contains(&format!("{name}={secret}")),
                "{file} has another secret than {name} had"
            );
            moved += 1;
        }
    }
    assert_eq!((moved, after.lines().count()), (3, before.lines().count()), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_for_a_shared_secret_work_as_documented() {
    let (folder, file) = folder_with("access-token-secret", &format!("{}\n", Key::secret("access-one").text));
    let database = Database::sqlite();
    let mut auth = auth_server(&database.url());
    auth.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_SECRET_FILE", &file);
    let auth = Server::start(auth);
    let metrics = free_address();
    let mut api = api_server_that_follows(&auth.url);
    api.env_remove("ACCESS_TOKEN_SECRET")
        .env("ACCESS_TOKEN_SECRET_FILE", &file)
        .env("METRICS_ADDR", &metrics);
    let mut api = Server::start(api);
    let steps = section("A shared secret");
    assert_eq!(steps.len(), 5);
    // Includes both emergencies: the last on the page, and the one without waiting.
    run(&steps, folder.path(), &[("127.0.0.1:9300", &metrics)]);
    let left = goptri::keys::KeyRing::from_secrets(
        &goptri_settings::Plain::<goptri_settings::AccessTokenSecret>::new(
            fs::read_to_string(&file).unwrap().trim_end().to_owned(),
        ),
        &[],
    );
    let last = format!("keys=\"{} (HS256)\"", left.unwrap().signing_key_name().kid);
    api.running.wait_for(&last);
    assert!(
        changes(&api.running) >= 2 && !api.running.output().contains("ERROR"),
        "{}",
        api.running.output()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_for_a_key_file_work_as_documented() {
    let (folder, file) = folder_with("keys.pem", &Key::pair("ed25519").text);
    let database = Database::sqlite();
    let mut auth = auth_server(&database.url());
    auth.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_KEY_FILE", &file);
    let mut auth = Server::start(auth);
    let steps = section("Key pairs");
    assert_eq!(steps.len(), 5);
    run(&steps, folder.path(), &[("127.0.0.1:4000", auth.url.trim_start_matches("http://"))]);
    let left = goptri::keys::KeyRing::from_pem(&fs::read_to_string(&file).unwrap()).unwrap();
    auth.running.wait_for(&format!("verify=\"{} (ES256)\"", left.signing_key_name().kid));
    let published =
        client().get(format!("{}/.well-known/jwks.json", auth.url)).send().await.unwrap().text().await;
    assert!(published.unwrap().contains(&left.signing_key_name().kid));
    assert!(!auth.running.output().contains("ERROR"), "{}", auth.running.output());
}
