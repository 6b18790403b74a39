//! A Postgres database of an earlier version: what a migration that would break running servers waits for.

use std::process::Command;

use serde_json::{Value, json};

use crate::programs::{Database, EMAIL, PASSWORD, Running, Server, auth_server, run};

/// What an operator reads. After this sentence, every program does nothing.
const REMEDY: &str = "stop all servers, then run `auth-server migrate --servers-stopped`";

/// Takes migration 8 and those after it back, as if only a program of the version before had used the database.
async fn take_back(database: &Database) {
    let Database::Postgres(database) = database else { panic!() };
    let revocations = include_str!("../../../migrations/postgres/0002_revocations.sql");
    let users = "drop table emails; drop table revocations; alter table users add unique (email_key);
                 alter table sessions drop column remember, drop column parent_id, drop column handle_hash;
                 drop table clients, scopes, grants, codes, pushed;
                 delete from _sqlx_migrations where version >= 8;";
    database.execute(&format!("{users} {revocations}")).await;
}

fn printed(command: Command, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(command, arguments, "");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test]
async fn a_migration_that_would_break_running_servers_waits_until_an_operator_has_stopped_them() {
    let database = Database::postgres().await;
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
    let (_, refresh) = auth.sign_in().await;
    drop(auth);
    take_back(&database).await;

    let mut starting = Running::start(auth_server(&database.url()));
    assert_eq!(starting.wait().code(), Some(1));
    assert!(starting.whole_output().contains(REMEDY), "{}", starting.output());
    let mut unmigrated = auth_server(&database.url());
    unmigrated.env("AUTO_MIGRATE", "off");
    let unmigrated = Server::start(unmigrated);
    assert_eq!(unmigrated.get("/readyz", "").await.status(), 503);
    drop(unmigrated);
    for auto_migrate in ["on", "off"] {
        for arguments in [&["check"][..], &["migrate"], &["user", "list"], &["user", "disable", EMAIL]] {
            let mut command = auth_server(&database.url());
            command.env("AUTO_MIGRATE", auto_migrate);
            let (code, printed) = printed(command, arguments);
            assert_eq!(code, Some(1), "{arguments:?}: {printed}");
            assert!(printed.contains(REMEDY), "{arguments:?}: {printed}");
        }
    }

    let (code, migrated) = printed(auth_server(&database.url()), &["migrate", "--servers-stopped"]);
    assert!(code == Some(0) && migrated.ends_with("is up to date.\n"), "{migrated}");
    let auth = Server::start(auth_server(&database.url()));
    auth.sign_in().await;
    assert_eq!(auth.post("/token", &json!({ "refresh_token": refresh })).await.status(), 200);
    let again = auth.post("/users", &json!({ "email": EMAIL.to_uppercase(), "password": PASSWORD })).await;
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["error"], "email_taken");
    let (code, migrated) = printed(auth_server(&database.url()), &["migrate"]);
    assert_eq!(code, Some(0), "there is nothing to do: {migrated}");
}

#[tokio::test]
async fn without_users_a_server_applies_every_migration_at_its_start() {
    let database = Database::postgres().await;
    assert_eq!(printed(auth_server(&database.url()), &["migrate"]).0, Some(0));
    take_back(&database).await;
    let (code, checked) = printed(auth_server(&database.url()), &["check"]);
    assert_eq!(code, Some(0), "{checked}");
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
}
