//! What an administrator does to people and their sessions, on the command line and at once, on both engines.

use std::process::Output;

use serde_json::{Value, json};

use crate::programs::{Database, EMAIL, PASSWORD, Server, auth_server, run};

const NEW_PASSWORD: &str = "tr0ub4dor and three more words";

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command of words, which must succeed, and gives what it said.
fn does(url: &str, command: &str, input: &str) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let output = run(auth_server(url), &arguments, input);
    assert!(output.status.success(), "{command}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail, and gives why.
fn refuses(url: &str, command: &str, input: &str) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let output = run(auth_server(url), &arguments, input);
    assert!(!output.status.success(), "{command}: {}", told(&output));
    told(&output)
}

async fn refreshes(auth: &Server, token: &str) -> bool {
    auth.post("/token", &json!({ "refresh_token": token })).await.status() == 200
}

async fn login_status(auth: &Server, password: &str) -> u16 {
    auth.post("/login", &json!({ "email": EMAIL, "password": password })).await.status().as_u16()
}

async fn people_are_administered(database: Database) {
    let url = database.url();
    let auth = Server::start(auth_server(&url));
    auth.register().await;
    their_sessions_are_listed_and_ended(&auth, &url).await;
    let (access, refresh) = auth.sign_in().await;
    let id = they_have_roles(&auth, &url, &refresh).await;
    they_get_another_password(&auth, &url, &access).await;
    they_are_disabled_and_enabled(&auth, &url).await;
    they_are_deleted(&url, &id);
}

async fn their_sessions_are_listed_and_ended(auth: &Server, url: &str) {
    let (_, phone) = auth.sign_in().await;
    let (_, laptop) = auth.sign_in().await;
    let sessions = does(url, "session list ann@example.com --json", "");
    let sessions: Vec<Value> = sessions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["client_id"], "goptri");
    let id = sessions[0]["id"].as_str().unwrap();
    assert!(does(url, "session list Ann@Example.com", "").starts_with(&format!("{id}  since 20")));
    let end = format!("session end ann@example.com {id}");
    assert_eq!(does(url, &end, ""), "Ended 1 session of ann@example.com.\n");
    assert!(!refreshes(auth, &phone).await && refreshes(auth, &laptop).await);
    assert!(refuses(url, &end, "").contains("ann@example.com has no such session"));
    assert!(refuses(url, "session end ann@example.com", "").contains("SESSION"));
    auth.sign_in().await;
    assert_eq!(does(url, "session end ann@example.com --all", ""), "Ended 2 sessions of ann@example.com.\n");
    assert!(!refreshes(auth, &laptop).await);
}

/// Gives their id.
async fn they_have_roles(auth: &Server, url: &str, refresh: &str) -> String {
    assert!(does(url, "user roles ann@example.com admin editor", "").contains("admin,editor"));
    let refreshed: Value =
        auth.post("/token", &json!({ "refresh_token": refresh })).await.json().await.unwrap();
    let who: Value =
        auth.get("/currentuser", refreshed["access_token"].as_str().unwrap()).await.json().await.unwrap();
    assert_eq!(who["currentUser"]["roles"], json!(["admin", "editor"]));
    let shown: Value = serde_json::from_str(&does(url, "user roles ann@example.com --json", "")).unwrap();
    assert_eq!(shown["roles"], json!(["admin", "editor"]));
    let none: Value =
        serde_json::from_str(&does(url, "user roles ann@example.com --none --json", "")).unwrap();
    assert_eq!(none["roles"], json!([]));
    assert!(refuses(url, "user roles ann@example.com Admin!", "").contains("a role is a word"));
    shown["id"].as_str().unwrap().to_owned()
}

async fn they_get_another_password(auth: &Server, url: &str, access: &str) {
    let said = does(url, "user password ann@example.com", &format!("{NEW_PASSWORD}\n"));
    assert_eq!(said, "ann@example.com has a new password; 1 session ended.\n");
    assert_eq!(auth.get("/sessions", access).await.status(), 401);
    assert_eq!((login_status(auth, PASSWORD).await, login_status(auth, NEW_PASSWORD).await), (401, 200));
    let weak = refuses(url, "user password ann@example.com", "pa55");
    assert!(weak.contains("it needs at least 15 characters") && !weak.contains("pa55"));
}

async fn they_are_disabled_and_enabled(auth: &Server, url: &str) {
    let said = does(url, "user disable ann@example.com", "");
    assert_eq!(said, "ann@example.com can sign in no more; 1 session ended.\n");
    assert_eq!(login_status(auth, NEW_PASSWORD).await, 401);
    assert!(does(url, "user list", "").contains("disabled"));
    assert_eq!(does(url, "user enable ann@example.com", ""), "ann@example.com can sign in.\n");
    assert_eq!(login_status(auth, NEW_PASSWORD).await, 200);
}

fn they_are_deleted(url: &str, id: &str) {
    assert!(refuses(url, "user delete ann@example.com", "y\n").contains("say --yes"));
    let said = does(url, &format!("user delete {id} --yes"), "");
    assert_eq!(said, "Deleted ann@example.com; 1 session ended.\n");
    assert_eq!(does(url, "user list", ""), "");
    for command in ["user disable", "user enable", "user roles", "session list", "user password"] {
        for name in ["ann@example.com", "ann", id] {
            let why = refuses(url, &format!("{command} {name}"), NEW_PASSWORD);
            assert!(why.contains("No user has this e-mail address or id."), "{why}");
        }
    }
}

#[tokio::test]
async fn people_are_administered_on_sqlite() {
    people_are_administered(Database::sqlite()).await;
}

#[tokio::test]
async fn people_are_administered_on_postgres() {
    people_are_administered(Database::postgres().await).await;
}
