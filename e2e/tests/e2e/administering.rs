//! Administering users and their sessions on the command line, effective immediately, on both engines.

use std::process::Output;

use serde_json::{Value, json};

use crate::programs::{Database, EMAIL, PASSWORD, Server, auth_server, run};

const NEW_PASSWORD: &str = "tr0ub4dor and three more words";

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must succeed, and returns its standard output.
fn succeeds(url: &str, command: &str, input: &str) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let output = run(auth_server(url), &arguments, input);
    assert!(output.status.success(), "{command}: {}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(url: &str, command: &str) -> Value {
    serde_json::from_str(&succeeds(url, &format!("{command} --json"), "")).unwrap()
}

/// Runs a command that must fail with exit code 1, and returns what it prints.
fn fails(url: &str, command: &str, input: &str) -> String {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let output = run(auth_server(url), &arguments, input);
    assert_eq!(output.status.code(), Some(1), "{command}: {}", printed(&output));
    assert!(output.stdout.is_empty(), "{command}: {}", printed(&output));
    printed(&output)
}

async fn refreshes(auth: &Server, token: &str) -> bool {
    auth.post("/token", &json!({ "refresh_token": token })).await.status() == 200
}

async fn login_status(auth: &Server, email: &str, password: &str) -> u16 {
    auth.post("/login", &json!({ "email": email, "password": password })).await.status().as_u16()
}

async fn users_are_administered(database: Database) {
    let url = database.url();
    let auth = Server::start(auth_server(&url));
    auth.register().await;
    sessions_are_listed_and_ended(&auth, &url).await;
    let (access, refresh) = auth.sign_in().await;
    let id = roles_are_changed(&auth, &url, &refresh).await;
    an_address_is_changed_and_confirmed(&auth, &url).await;
    a_password_is_set(&auth, &url, &access).await;
    a_user_is_disabled_and_enabled(&auth, &url).await;
    a_user_is_deleted(&url, &id);
}

async fn sessions_are_listed_and_ended(auth: &Server, url: &str) {
    assert_eq!(succeeds(url, "session list ann@example.com", ""), "No sessions.\n");
    assert_eq!(json_of(url, "session list ann@example.com"), json!([]));
    let (_, phone) = auth.sign_in().await;
    let (_, laptop) = auth.sign_in().await;
    let sessions = json_of(url, "session list ann@example.com");
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let created = |index: usize| (sessions[index]["created_at"].as_str(), sessions[index]["id"].as_str());
    assert!(created(0) > created(1), "newest first: {sessions:?}");
    assert_eq!(sessions[0]["client_id"], "goptri");
    let table = succeeds(url, "session list Ann@Example.com", "");
    let ids: Vec<_> = table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(ids[0], "SESSION");
    assert_eq!(ids[1..], [sessions[0]["id"].as_str().unwrap(), sessions[1]["id"].as_str().unwrap()]);

    let older = sessions[1]["id"].as_str().unwrap();
    let end = format!("session end ann@example.com {older}");
    assert_eq!(succeeds(url, &end, ""), "Ended 1 session of ann@example.com.\n");
    assert!(!refreshes(auth, &phone).await && refreshes(auth, &laptop).await);
    assert!(fails(url, &end, "").contains("ann@example.com has no such session"));
    assert!(fails(url, "session end ann@example.com", "").contains("--all"));
    let malformed = fails(url, "session end ann@example.com 4711", "");
    assert!(malformed.contains("not a session id") && malformed.contains("session list"), "{malformed}");
    auth.sign_in().await;
    let ended = json_of(url, "session end ann@example.com --all");
    assert_eq!(ended["ended_sessions"], 2);
    assert!(!refreshes(auth, &laptop).await);
    all_sessions_of_all_users_are_ended(auth, url).await;
}

async fn all_sessions_of_all_users_are_ended(auth: &Server, url: &str) {
    succeeds(url, "user add zoe@example.com", PASSWORD);
    let (_, of_ann) = auth.sign_in().await;
    auth.sign_in().await;
    let zoe = json!({ "email": "zoe@example.com", "password": PASSWORD });
    let of_zoe: Value = auth.post("/login", &zoe).await.json().await.unwrap();
    let of_zoe = of_zoe["refresh_token"].as_str().unwrap();
    for (command, problem) in [
        ("session end --all-users", "confirm it with --yes"),
        ("session end ann@example.com --all-users --yes", "cannot be used with"),
        ("session end --all-users --all --yes", "cannot be used with"),
        ("session end", "<USER>"),
    ] {
        let refused = fails(url, command, "");
        assert!(refused.contains(problem), "{command}: {refused}");
    }
    assert!(refreshes(auth, &of_ann).await && refreshes(auth, of_zoe).await, "nothing has ended");
    let ended = succeeds(url, "session end --all-users --yes", "");
    assert_eq!(ended, "Ended 3 sessions of 2 users.\n");
    assert!(!refreshes(auth, &of_ann).await && !refreshes(auth, of_zoe).await);
    let again = json_of(url, "session end --all-users --yes");
    assert_eq!(again, json!({ "users": 0, "ended_sessions": 0 }));
    succeeds(url, "user delete zoe@example.com --yes", "");
}

/// Returns the user's id.
async fn roles_are_changed(auth: &Server, url: &str, refresh: &str) -> String {
    let set = succeeds(url, "user roles ann@example.com admin editor", "");
    assert_eq!(set, "The roles of ann@example.com: admin,editor.\n");
    let refreshed: Value =
        auth.post("/token", &json!({ "refresh_token": refresh })).await.json().await.unwrap();
    let who: Value =
        auth.get("/currentuser", refreshed["access_token"].as_str().unwrap()).await.json().await.unwrap();
    assert_eq!(who["currentUser"]["roles"], json!(["admin", "editor"]));
    for (command, roles) in [
        ("user roles ann@example.com", json!(["admin", "editor"])),
        ("user roles add ann@example.com editor reviewer", json!(["admin", "editor", "reviewer"])),
        ("user roles remove ann@example.com admin guest reviewer", json!(["editor"])),
        ("user show ann@example.com", json!(["editor"])),
        ("user roles ann@example.com --none", json!([])),
    ] {
        assert_eq!(json_of(url, command)["roles"], roles, "{command}");
    }
    assert_eq!(succeeds(url, "user roles ann@example.com", ""), "ann@example.com has no roles.\n");
    for command in ["user roles ann@example.com Admin!", "user roles add ann@example.com Admin!"] {
        assert!(fails(url, command, "").contains("a role is a word"), "{command}");
    }
    assert!(fails(url, "user roles add ann@example.com", "").contains("<ROLE>"));
    assert!(fails(url, "user roles", "").contains("<USER>"));
    json_of(url, "user show ann@example.com")["id"].as_str().unwrap().to_owned()
}

async fn an_address_is_changed_and_confirmed(auth: &Server, url: &str) {
    succeeds(url, "user add bob@example.com", PASSWORD);
    let taken = fails(url, "user email bob@example.com ANN@example.com", "");
    assert!(taken.contains("already"), "{taken}");
    assert!(fails(url, "user email bob@example.com bob", "").contains("An e-mail address looks like"));
    let changed = succeeds(url, "user email bob@example.com bob@example.org", "");
    let sentence = "Changed the address bob@example.com to bob@example.org, which is not confirmed yet.\n";
    assert_eq!(changed, sentence);
    assert_eq!(login_status(auth, "bob@example.com", PASSWORD).await, 401);
    assert_eq!(login_status(auth, "bob@example.org", PASSWORD).await, 200);
    assert_eq!(succeeds(url, "user confirm bob@example.org", ""), "Confirmed the address bob@example.org.\n");
    assert_eq!(json_of(url, "user show bob@example.org")["email_verified"], true);
    let verified = json_of(url, "user email bob@example.org bob@example.net --verified");
    assert_eq!((&verified["email"], &verified["email_verified"]), (&json!("bob@example.net"), &json!(true)));
    succeeds(url, "user delete bob@example.net --yes", "");
}

async fn a_password_is_set(auth: &Server, url: &str, access: &str) {
    let set = succeeds(url, "user password ann@example.com", &format!("{NEW_PASSWORD}\n"));
    assert_eq!(set, "Set the password of ann@example.com; 1 session ended.\n");
    assert_eq!(auth.get("/sessions", access).await.status(), 401);
    let statuses = (login_status(auth, EMAIL, PASSWORD).await, login_status(auth, EMAIL, NEW_PASSWORD).await);
    assert_eq!(statuses, (401, 200));
    let weak = fails(url, "user password ann@example.com", "pa55");
    assert!(weak.contains("15 characters") && !weak.contains("pa55"), "{weak}");
    assert!(fails(url, "user password ann@example.com", "\n").contains("the password is empty"));
}

async fn a_user_is_disabled_and_enabled(auth: &Server, url: &str) {
    assert_eq!(
        succeeds(url, "user disable ann@example.com", ""),
        "Disabled ann@example.com; 1 session ended.\n"
    );
    assert_eq!(login_status(auth, EMAIL, NEW_PASSWORD).await, 401);
    assert!(succeeds(url, "user list", "").contains("  disabled  "));
    assert!(succeeds(url, "user show ann@example.com", "").contains("disabled   since 20"));
    assert_eq!(succeeds(url, "user enable ann@example.com", ""), "Enabled ann@example.com.\n");
    assert_eq!(login_status(auth, EMAIL, NEW_PASSWORD).await, 200);
}

fn a_user_is_deleted(url: &str, id: &str) {
    assert!(fails(url, "user delete ann@example.com", "y\n").contains("confirm it with --yes"));
    let deleted = succeeds(url, &format!("user delete {id} --yes"), "");
    assert_eq!(deleted, "Deleted ann@example.com; 1 session ended.\n");
    assert_eq!(succeeds(url, "user list", ""), "No users.\n");
    assert_eq!(json_of(url, "user list"), json!([]));
    let commands = [
        "user disable",
        "user enable",
        "user roles",
        "user show",
        "user confirm",
        "session list",
        "user password",
    ];
    for command in commands {
        for name in ["ann@example.com", "ann", id] {
            let printed = fails(url, &format!("{command} {name} --json"), NEW_PASSWORD);
            let error: Value = serde_json::from_str(&printed).unwrap();
            assert_eq!(error["error"], "not_found", "{command} {name}: {error}");
            assert!(error["error_description"].as_str().unwrap().ends_with('.'), "{error}");
        }
    }
}

#[tokio::test]
async fn users_are_administered_on_sqlite() {
    users_are_administered(Database::sqlite()).await;
}

#[tokio::test]
async fn users_are_administered_on_postgres() {
    users_are_administered(Database::postgres().await).await;
}
