//! The command line of auth-server, on both engines.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::feed_followed::ready_api_server;
use crate::programs::{Database, EMAIL, PASSWORD, Server, api_server, auth_server, program, run};

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn people_are_added_and_listed(database: Database) {
    let url = database.url();
    let add = |email: &str, more: &[&str], password: &str| {
        let arguments = [&["user", "add", email], more].concat();
        run(auth_server(&url), &arguments, password)
    };
    let added = add(EMAIL, &["--role", "admin", "--role", "editor", "--json"], &format!("{PASSWORD}\n"));
    assert!(added.status.success(), "{}", told(&added));
    let user: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((user["email"].as_str(), user["email_verified"].as_bool()), (Some(EMAIL), Some(true)));
    assert_eq!(user["roles"], json!(["admin", "editor"]));

    for (email, more, password, sentence) in [
        ("Ann@Example.com", &[][..], PASSWORD, "This e-mail address is already registered."),
        ("bob@example.com", &[], "pa55", "The password is too short; it needs at least 15 characters."),
        ("bob", &[], PASSWORD, "An e-mail address looks like name@example.com"),
        ("bob@example.com", &["--role", "Admin!"], PASSWORD, "a role is a word"),
    ] {
        let refused = add(email, more, password);
        assert!(!refused.status.success() && told(&refused).contains(sentence), "{}", told(&refused));
        assert!(!told(&refused).contains(password));
    }
    assert!(add("bob@example.com", &[], PASSWORD).status.success());

    let list = run(auth_server(&url), &["user", "list"], "");
    assert_eq!(told(&list).lines().count(), 2, "{}", told(&list));
    assert!(told(&list).contains("ann@example.com  admin,editor"), "{}", told(&list));
    let list = run(auth_server(&url), &["user", "list", "--json"], "");
    let first: Value = serde_json::from_str(told(&list).lines().next().unwrap()).unwrap();
    assert_eq!(first["id"], user["id"]);

    let (auth, api) = (Server::start(auth_server(&url)), Server::start(api_server()));
    let (access, refresh) = auth.sign_in().await;
    assert_eq!(auth.delete("/logout", &json!({ "refresh_token": refresh })).await.status(), 204);
    let swept = run(auth_server(&url), &["sweep"], "");
    assert_eq!(
        told(&swept),
        "Swept 0 records of ended sessions, and 0 sessions that ended by time.\n",
        "what may still matter is kept"
    );
    let me: Value = api.get("/me", &access).await.json().await.unwrap();
    assert_eq!(me["roles"], json!(["admin", "editor"]));
}

#[tokio::test]
async fn people_are_added_and_listed_on_sqlite() {
    people_are_added_and_listed(Database::sqlite()).await;
}

#[tokio::test]
async fn people_are_added_and_listed_on_postgres() {
    people_are_added_and_listed(Database::postgres().await).await;
}

#[test]
fn fresh_secrets_are_64_random_bytes_and_good_enough_to_start_with() {
    let [one, other] = [(); 2].map(|()| told(&run(program("auth-server"), &["secrets"], "")));
    assert_ne!(one, other);
    for line in one.lines() {
        let (name, value) = line.split_once('=').unwrap();
        assert!(value.len() == 128 && value.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), one).unwrap();
    let mut auth = program("auth-server");
    auth.current_dir(folder.path()).env("AUTH_SERVER_ADDR", "127.0.0.1:0");
    let mut api = program("api-server");
    api.current_dir(folder.path()).env("API_SERVER_ADDR", "127.0.0.1:0");
    let _both = (Server::start(auth), Server::start(api));
    assert!(
        folder.path().join("goptri.db").exists(),
        "the default database is a file in the working directory"
    );
}

#[tokio::test]
async fn a_token_is_explained_in_words() {
    let database = Database::sqlite();
    let url = database.url();
    let auth = Server::start(auth_server(&url));
    auth.register().await;
    let (access, refresh) = auth.sign_in().await;
    for (token, words) in [
        (&access, "It is an access token, and it would be accepted here"),
        (&refresh, "It is a refresh token, and it would be accepted here"),
    ] {
        let by_argument = run(auth_server(&url), &["token", "inspect", token], "");
        let by_input = run(auth_server(&url), &["token", "inspect", "-"], &format!("{token}\n"));
        assert!(by_argument.status.success() && told(&by_argument).contains(words), "{}", told(&by_argument));
        assert_eq!(told(&by_argument), told(&by_input));
    }
    assert!(told(&run(auth_server(&url), &["token", "inspect", &access], "")).contains("in 14 minutes"));

    let elsewhere = |name: &str, value: &str| {
        let mut command = auth_server(&url);
        command.env(name, value);
        command
    };
    let other_secret = "5f2a9c4be1d078365f2a9c4be1d07836-other";
    for (command, reason) in [
        (elsewhere("ISSUER", "https://login.example.com"), "its issuer (iss) is not the configured one"),
        (elsewhere("AUDIENCE", "https://api.example.com"), "its audience (aud) does not name this service"),
        (elsewhere("ACCESS_TOKEN_SECRET", other_secret), "no configured key has its kid"),
    ] {
        let refused = run(command, &["token", "inspect", &access], "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(told(&refused).contains(reason), "{}", told(&refused));
    }
    let json =
        run(elsewhere("ISSUER", "https://login.example.com"), &["token", "inspect", "--json", &access], "");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json["accepted"].as_bool(), json["claims"]["email"].as_str()), (Some(false), Some(EMAIL)));
    let nonsense = run(auth_server(&url), &["token", "inspect", "nonsense"], "");
    assert!(told(&nonsense).contains("this cannot be read as a token"), "{}", told(&nonsense));
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
        let check = check.replace(&format!("/{port}"), &format!("/{own_port}"));
        let passes =
            || Command::new("bash").args(["-c", &check]).stderr(Stdio::null()).status().unwrap().success();
        assert!(passes());
        drop(server);
        assert!(!passes());
    }
}
