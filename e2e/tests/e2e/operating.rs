//! The command line of auth-server for operators: users, secrets, sweeping, and health checks.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::feed_followed::ready_api_server;
use crate::programs::{Database, EMAIL, PASSWORD, Server, auth_server, program, run};

pub(crate) fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn users_are_added_and_listed(database: Database) {
    let url = database.url();
    let add = |email: &str, more: &[&str], password: &str| {
        let arguments = [&["user", "add", email], more].concat();
        run(auth_server(&url), &arguments, password)
    };
    let added = add(EMAIL, &["--role", "admin", "--role", "editor", "--json"], &format!("{PASSWORD}\n"));
    assert!(added.status.success() && added.stderr.is_empty(), "{}", printed(&added));
    let user: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((user["email"].as_str(), user["email_verified"].as_bool()), (Some(EMAIL), Some(true)));
    assert_eq!(user["roles"], json!(["admin", "editor"]));

    for (email, more, password, code, sentence) in [
        ("Ann@Example.com", &[][..], PASSWORD, "email_taken", "already"),
        ("bob@example.com", &[], "pa55", "weak_password", "15 characters"),
        ("bob@example.com", &[], "", "empty_password", "the password is empty"),
        ("bob", &[], PASSWORD, "invalid_email", "An e-mail address looks like name@example.com"),
        ("bob@example.com", &["--role", "Admin!"], PASSWORD, "invalid_arguments", "a role is a word"),
    ] {
        let refused = add(email, more, password);
        assert_eq!(refused.status.code(), Some(1));
        assert!(printed(&refused).contains(sentence), "{}", printed(&refused));
        assert!(password.is_empty() || !printed(&refused).contains(password));
        let refused = add(email, &[more, &["--json"]].concat(), password);
        let error: Value = serde_json::from_slice(&refused.stderr).unwrap();
        assert!(
            error["error"] == code && error["error_description"].as_str().unwrap().contains(sentence),
            "{error}"
        );
    }
    assert!(add("bob@example.com", &[], PASSWORD).status.success());
    users_are_listed(&url, &user);

    let (auth, (api, _feed)) = (Server::start(auth_server(&url)), ready_api_server());
    let (access, refresh) = auth.sign_in().await;
    assert_eq!(auth.delete("/logout", &json!({ "refresh_token": refresh })).await.status(), 204);
    let swept = run(auth_server(&url), &["sweep"], "");
    let nothing = "Deleted 0 revocations, 0 expired sessions, 0 authorization codes and 0 pushed requests.\n";
    assert_eq!(printed(&swept), nothing, "revocations that still matter are kept");
    let me: Value = api.get("/me", &access).await.json().await.unwrap();
    assert_eq!(me["roles"], json!(["admin", "editor"]));
}

fn users_are_listed(url: &str, ann: &Value) {
    let list = run(auth_server(url), &["user", "list"], "");
    let table = String::from_utf8(list.stdout).unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    assert_eq!(lines[0].first(), Some(&"USER"), "{table}");
    assert_eq!(lines[1].last(), Some(&EMAIL), "{table}");
    assert!(lines[1].contains(&"admin,editor") && lines[1].contains(&"confirmed"), "{table}");
    assert_eq!(lines.len(), 3, "{table}");
    let stderr = String::from_utf8(list.stderr).unwrap();
    assert!(stderr.starts_with("Database: ") && stderr.lines().count() == 1, "{stderr}");

    for (arguments, emails) in [
        (&[][..], &[EMAIL, "bob@example.com"][..]),
        (&["--search", "BOB@"], &["bob@example.com"]),
        (&["--search", "%"], &[]),
        (&["--search", "example", "--limit", "1"], &[EMAIL]),
        (&["--limit", "2"], &[EMAIL, "bob@example.com"]),
    ] {
        let list = run(auth_server(url), &[&["user", "list", "--json"], arguments].concat(), "");
        let users: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
        let listed: Vec<_> = users.iter().map(|user| user["email"].as_str().unwrap()).collect();
        assert_eq!(listed, emails, "{arguments:?}");
        assert!(list.stderr.is_empty(), "{}", printed(&list));
        assert!(users.first().is_none_or(|first| first["email"] != EMAIL || first == ann));
    }
    let zero = run(auth_server(url), &["user", "list", "--limit", "0"], "");
    assert_eq!(zero.status.code(), Some(1), "{}", printed(&zero));
}

#[tokio::test]
async fn users_are_added_and_listed_on_sqlite() {
    users_are_added_and_listed(Database::sqlite()).await;
}

#[tokio::test]
async fn users_are_added_and_listed_on_postgres() {
    users_are_added_and_listed(Database::postgres().await).await;
}

/// `script` gives the command a terminal of its own.
#[test]
fn a_password_is_asked_for_twice_at_a_prompt() {
    let database = Database::sqlite();
    let url = database.url();
    let typed = |input: &str| {
        let mut script = Command::new("script");
        script.envs(auth_server(&url).get_envs().filter_map(|(name, value)| Some((name, value?))));
        let line =
            format!("{} user add ann@example.com", program("auth-server").get_program().to_str().unwrap());
        run(script, &["-qec", &line, "/dev/null"], input)
    };
    let differing = typed(&format!("{PASSWORD}\n{PASSWORD}!\n"));
    assert!(printed(&differing).contains("the two passwords differ"), "{}", printed(&differing));
    assert_eq!(differing.status.code(), Some(1));
    let same = typed(&format!("{PASSWORD}\n{PASSWORD}\n"));
    assert!(printed(&same).contains("The same password again: "), "{}", printed(&same));
    assert!(same.status.success() && printed(&same).contains("Added ann@example.com"), "{}", printed(&same));
}

#[test]
fn commands_that_read_never_create_or_migrate_a_database() {
    let database = Database::sqlite();
    let Database::Sqlite(folder) = &database else { panic!() };
    let file = folder.path().join("goptri.db");
    let commands = [
        "user list",
        "session list ann@example.com",
        "user show ann@example.com",
        "user roles ann@example.com",
    ];
    let fails_with = |code: &str| {
        for command in commands {
            let arguments: Vec<&str> = command.split(' ').chain(["--json"]).collect();
            let output = run(auth_server(&database.url()), &arguments, "");
            assert_eq!(output.status.code(), Some(1), "{command}: {}", printed(&output));
            let error: Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(error["error"], code, "{command}: {error}");
            let sentence = error["error_description"].as_str().unwrap();
            assert!(
                sentence.contains(file.to_str().unwrap()) && sentence.contains("auth-server migrate"),
                "{error}"
            );
        }
    };
    fails_with("no_database");
    assert!(!file.exists(), "no command created it");
    std::fs::write(&file, "").unwrap();
    fails_with("not_migrated");
    let keys = run(auth_server(&database.url()), &["key", "list"], "");
    assert!(keys.status.success(), "{}", printed(&keys));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0, "no command migrated it");
    for command in ["user disable ann@example.com", "sweep"] {
        std::fs::remove_file(&file).ok();
        let arguments: Vec<&str> = command.split(' ').collect();
        let output = run(auth_server(&database.url()), &arguments, "");
        assert_eq!(output.status.code(), Some(1), "{command}: {}", printed(&output));
        assert!(!file.exists(), "{command} created it");
    }
    let migrated = run(auth_server(&database.url()), &["migrate", "--json"], "");
    assert!(migrated.status.success() && file.exists(), "{}", printed(&migrated));
    assert_eq!(
        String::from_utf8(run(auth_server(&database.url()), &["user", "list"], "").stdout).unwrap(),
        "No users.\n"
    );
}

#[test]
fn new_secrets_are_64_random_bytes_and_good_enough_to_start_with() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = |arguments: &[&str]| {
        let mut command = program("auth-server");
        command.current_dir(folder.path());
        run(command, &[&["secrets"], arguments].concat(), "")
    };
    let [one, other] = [(); 2].map(|()| printed(&secrets(&[])));
    assert_ne!(one, other);
    for line in one.lines() {
        let (name, value) = line.split_once('=').unwrap();
        assert!(value.len() == 128 && value.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
    let json: Value = serde_json::from_slice(&secrets(&["--json"]).stdout).unwrap();
    assert_eq!(json.as_object().unwrap().len(), one.lines().count());

    let written = secrets(&["--out", ".env"]);
    assert!(
        written.status.success() && printed(&written).contains("start `auth-server`"),
        "{}",
        printed(&written)
    );
    let file = folder.path().join(".env");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(text.lines().count(), one.lines().count());
    assert!(!printed(&written).contains(text.lines().next().unwrap().split_once('=').unwrap().1));
    let again = secrets(&["--out", ".env"]);
    assert!(
        again.status.code() == Some(1) && printed(&again).contains("already exists"),
        "{}",
        printed(&again)
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "never overwritten");

    let mut auth = program("auth-server");
    auth.current_dir(folder.path()).env("AUTH_SERVER_ADDR", "127.0.0.1:0");
    let mut api = program("api-server");
    api.current_dir(folder.path()).env("API_SERVER_ADDR", "127.0.0.1:0");
    let _both = (Server::start(auth), Server::start(api));
    let database = folder.path().join("goptri.db");
    assert!(database.exists(), "the default database is a file in the working directory");
}

#[test]
fn the_health_checks_of_the_compose_file_tell_a_ready_server_from_none() {
    let compose = include_str!("../../../docker-compose.yml");
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    let (api, _feed) = ready_api_server();
    for (port, server) in [("4000", auth), ("3000", api)] {
        let check =
            compose.lines().find(|line| line.contains(&format!("/dev/tcp/127.0.0.1/{port}"))).unwrap();
        let check = check.trim().trim_start_matches("- ").trim_matches('\'');
        let own_port = server.url.rsplit(':').next().unwrap();
        // Compose writes `$` as `$$`.
        let check = check.replace(&format!("/{port}"), &format!("/{own_port}")).replace("$$", "$");
        let passes =
            || Command::new("bash").args(["-c", &check]).stderr(Stdio::null()).status().unwrap().success();
        assert!(passes());
        drop(server);
        assert!(!passes());
    }
}
