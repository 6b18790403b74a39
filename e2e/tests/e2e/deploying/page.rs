//! The shell blocks of docs/deploy.md, run as they are, and the claims beside them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use test_support::{Authority, CertificateFiles, Validity};

use super::text_of;
use crate::programs::{Database, EMAIL, Server, TIMEOUT, program};

/// The blocks of the language `sh` in one section. Blocks of `console` need root, Docker or systemd.
fn section(heading: &str) -> Vec<String> {
    blocks_of(heading, "sh")
}

/// The blocks of one language in one section.
pub(super) fn blocks_of(heading: &str, language: &str) -> Vec<String> {
    let page = text_of("docs/deploy.md");
    let section = page.split("\n## ").find(|section| section.lines().next() == Some(heading));
    blocks(section.unwrap_or_else(|| panic!("no section {heading:?}")), language)
}

fn blocks(text: &str, language: &str) -> Vec<String> {
    let (mut blocks, mut open): (Vec<String>, _) = (Vec::new(), None);
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```").map(|fence| fence == language);
        match (fence, open) {
            (Some(_), Some(_)) => open = None,
            (Some(wanted), None) => {
                open = Some((wanted, line.len() - line.trim_start().len()));
                if wanted {
                    blocks.push(String::new());
                }
            }
            (None, Some((true, indent))) => {
                let block = blocks.last_mut().unwrap();
                block.push_str(line.get(indent..).unwrap_or_default());
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// Runs one block in that folder: its standard output.
pub(super) fn run(block: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let programs = Path::new(program("auth-server").get_program()).parent().unwrap().to_owned();
    let postgres = scratch_pg::program("pg_dump").unwrap().parent().unwrap().to_owned();
    let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin", programs.display(), postgres.display());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", block]).current_dir(folder).stdin(Stdio::null());
    bash.env_clear().env("PATH", path).envs(variables.iter().copied());
    let ran = bash.output().unwrap();
    assert!(ran.status.success(), "{block}\n{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The server as it starts in that folder, on a free port.
fn server(name: &str, folder: &Path, variables: &[(&str, &str)]) -> Server {
    let mut command = program(name);
    command.current_dir(folder).env("AUTH_SERVER_ADDR", "127.0.0.1:0").env("API_SERVER_ADDR", "127.0.0.1:0");
    command.envs(variables.iter().copied());
    Server::start(command)
}

fn names(env: &str) -> Vec<&str> {
    env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect()
}

#[test]
fn every_section_with_commands_is_run() {
    let page = text_of("docs/deploy.md");
    let sections = page.split("\n## ").filter(|section| !blocks(section, "sh").is_empty());
    let headings: Vec<&str> = sections.filter_map(|section| section.lines().next()).collect();
    let run = [
        "Secrets",
        "Settings",
        "The first user",
        "TLS",
        "With Docker Compose",
        "Health, metrics and logs",
        "Backup",
        "Restore",
        "Upgrade",
    ];
    assert_eq!(headings, run);
}

#[test]
fn the_commands_for_secrets_write_the_same_variables_for_the_owner_alone() {
    let [by_program, by_openssl] = section("Secrets").try_into().unwrap();
    let [one, other] = [by_program, by_openssl].map(|block| {
        let folder = tempfile::tempdir().unwrap();
        run(&block, folder.path(), &[]);
        let file = folder.path().join(".env");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::read_to_string(file).unwrap()
    });
    assert_eq!(names(&one), names(&other));
    assert!(one.len() == other.len() && one != other);
}

#[tokio::test]
async fn after_the_commands_for_settings_and_the_first_user_both_servers_work() {
    let folder = tempfile::tempdir().unwrap();
    for block in [&section("Secrets")[1], &section("Settings")[0], &section("The first user")[0]] {
        run(block, folder.path(), &[]);
    }
    let auth = server("auth-server", folder.path(), &[]);
    let api = server("api-server", folder.path(), &[("AUTH_SERVER_URL", &auth.url)]);
    let password = fs::read_to_string(folder.path().join("ann-password")).unwrap();
    let tokens = auth.post("/login", &json!({ "email": EMAIL, "password": password.trim_end() })).await;
    let tokens: Value = tokens.json().await.unwrap();
    let me = api.get("/me", tokens["access_token"].as_str().unwrap()).await;
    let me: Value = me.json().await.unwrap();
    assert_eq!((me["email"].as_str(), &me["roles"]), (Some(EMAIL), &json!(["admin"])));
    let registered = auth.post("/users", &json!({ "email": "b@example.com", "password": password })).await;
    assert_eq!(registered.status(), 403, "registration is closed");

    let mut check = section("Health, metrics and logs").remove(0);
    for (shown, server) in [("http://127.0.0.1:4000", &auth), ("http://127.0.0.1:3000", &api)] {
        wait_until_ready(server).await;
        check = check.replace(shown, &server.url);
    }
    assert_eq!(run(&check, folder.path(), &[]), "200\n200\n");
}

async fn wait_until_ready(server: &Server) {
    let started = Instant::now();
    while server.get("/readyz", "").await.status() != 200 {
        assert!(started.elapsed() < TIMEOUT, "{}", server.running.output());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn after_the_commands_for_tls_both_servers_speak_it() {
    let folder = tempfile::tempdir().unwrap();
    for block in [&section("Secrets")[1], &section("TLS")[0]] {
        run(block, folder.path(), &[]);
    }
    let authority = Authority::default();
    let files = CertificateFiles {
        certificate: folder.path().join("fullchain.pem"),
        key: folder.path().join("privkey.pem"),
    };
    files.write(&authority.issue(&[], Validity::Now));
    for name in ["auth-server", "api-server"] {
        let mut command = program(name);
        command.current_dir(folder.path());
        command.env("AUTH_SERVER_ADDR", "127.0.0.1:0").env("API_SERVER_ADDR", "127.0.0.1:0");
        let server = Server::start_with_certificate(command, &authority.pem());
        assert!(server.url.starts_with("https://"), "{}", server.url);
        assert_eq!(server.get("/healthz", "").await.status(), 200, "{name}");
    }
}

/// The shell blocks that back up and restore one engine.
struct Restore {
    backup: String,
    restore: String,
}

/// A session that was signed out after the backup lives again, until all sessions are ended.
async fn a_restored_session_ends_with_the_command_for_all_users(
    commands: Restore,
    variables: &[(&str, &str)],
) {
    let folder = tempfile::tempdir().unwrap();
    run(&section("Secrets")[0], folder.path(), &[]);
    let start = || server("auth-server", folder.path(), variables);
    let mut auth = start();
    auth.register().await;
    let (_, refresh) = auth.sign_in().await;
    let refresh = json!({ "refresh_token": refresh });
    run(&commands.backup, folder.path(), variables);
    assert_eq!(auth.delete("/logout", &refresh).await.status(), 204);
    assert_eq!(auth.post("/token", &refresh).await.status(), 400);
    stop(&mut auth);
    run(&commands.restore, folder.path(), variables);

    let mut auth = start();
    assert_eq!(auth.post("/token", &refresh).await.status(), 200, "the backup has the session");
    stop(&mut auth);
    run(section("Restore").last().unwrap(), folder.path(), variables);
    let auth = start();
    assert_eq!(auth.post("/token", &refresh).await.status(), 400);
    auth.sign_in().await;
}

fn stop(server: &mut Server) {
    server.running.signal("TERM");
    assert!(server.running.wait().success());
}

fn block(heading: &str, number: usize) -> String {
    section(heading).remove(number)
}

#[tokio::test]
async fn a_restored_session_ends_with_the_command_for_all_users_on_sqlite() {
    let commands = Restore { backup: block("Backup", 0), restore: block("Restore", 0) };
    a_restored_session_ends_with_the_command_for_all_users(commands, &[]).await;
}

#[tokio::test]
async fn a_restored_session_ends_with_the_command_for_all_users_on_postgres() {
    let database = Database::postgres().await;
    let url = database.url();
    let commands = Restore { backup: block("Backup", 1), restore: block("Restore", 1) };
    a_restored_session_ends_with_the_command_for_all_users(commands, &[("DATABASE_URL", &url)]).await;
}

#[tokio::test]
async fn with_auto_migrate_off_a_server_is_ready_once_the_command_has_migrated() {
    let folder = tempfile::tempdir().unwrap();
    run(&section("Secrets")[0], folder.path(), &[]);
    let variables = [("AUTO_MIGRATE", "off")];
    let auth = server("auth-server", folder.path(), &variables);
    assert_eq!(auth.get("/readyz", "").await.status(), 503);
    let list = program("auth-server").args(["user", "list"]).current_dir(&folder).envs(variables).output();
    assert!(!list.unwrap().status.success());
    // The second command is the one with stopped servers, which here finds nothing to do.
    for command in 0..2 {
        let migrated = run(&block("Upgrade", command), folder.path(), &variables);
        assert!(migrated.starts_with("The database ") && migrated.ends_with(" up to date.\n"), "{migrated}");
    }
    wait_until_ready(&auth).await;
}
