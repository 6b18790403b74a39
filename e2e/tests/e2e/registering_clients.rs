//! Registering applications on the command line, one by one and from a file, on both engines.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::programs::{Database, auth_server, run};

fn command(url: &str, arguments: &[&str]) -> Output {
    run(auth_server(url), arguments, "")
}

fn succeeds(url: &str, arguments: &[&str]) -> Value {
    let output = command(url, &[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The code of the error of a command that must fail.
fn fails(url: &str, arguments: &[&str]) -> String {
    let output = command(url, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error_description"].is_string(), "{error}");
    error["error"].as_str().unwrap().to_owned()
}

const ADD: [&str; 8] = [
    "client",
    "add",
    "--name",
    "Photo Printer",
    "--redirect-uri",
    "https://printer.example/cb",
    "--id",
    "printer",
];

fn clients_are_registered(database: &Database) {
    let url = database.url();
    assert_eq!(fails(&url, &[&ADD[..], &["--scope", "photos:read"]].concat()), "unknown_scope");
    succeeds(&url, &["scope", "add", "photos:read", "--description", "See your photos"]);
    assert_eq!(fails(&url, &["scope", "add", "offline_access", "--description", "x"]), "invalid_scope");
    let added = succeeds(&url, &[&ADD[..], &["--scope", "photos:read offline_access"]].concat());
    assert_eq!((&added["id"], &added["secrets"]), (&json!("printer"), &json!(1)));
    assert_eq!(added["client_secret"].as_str().unwrap().len(), 43);
    assert_eq!(fails(&url, &ADD), "id_taken");
    let shown = succeeds(&url, &["client", "show", "printer"]);
    assert_eq!(shown.get("client_secret"), None, "a secret is shown once");
    // AS-02, JV-18
    let without_id = &ADD[..6];
    for more in [
        &["--public", "--no-rotation"][..],
        &["--redirect-uri", "http://printer.example/cb"],
        &["--id", "goptri"],
        &["--id", "0190b0a0-0000-7000-8000-000000000001"],
        &["--resource", "photos"],
        &["--logo", "javascript:alert(1)"],
    ] {
        let code = fails(&url, &[without_id, more].concat());
        assert!(matches!(code.as_str(), "invalid_client" | "invalid_arguments"), "{more:?}: {code}");
    }
    secrets_are_replaced(&url, &added);
    succeeds(&url, &["client", "remove", "printer", "--yes"]);
    assert_eq!(fails(&url, &["client", "show", "printer"]), "not_found");
    assert_eq!(succeeds(&url, &["client", "list"]), json!([]));
}

fn secrets_are_replaced(url: &str, added: &Value) {
    assert_eq!(fails(url, &["client", "secret", "printer", "--drop-old"]), "invalid_secrets");
    let second = succeeds(url, &["client", "secret", "printer"]);
    assert_ne!(second["client_secret"], added["client_secret"]);
    assert_eq!(fails(url, &["client", "secret", "printer"]), "invalid_secrets", "a third one");
    assert_eq!(succeeds(url, &["client", "secret", "printer", "--drop-old"])["secrets"], 1);
}

/// The ids and the changes of applying a file.
fn changes(applied: &Value) -> Vec<(&str, &str)> {
    let all = applied["clients"].as_array().unwrap().iter();
    all.map(|change| (change["id"].as_str().unwrap(), change["change"].as_str().unwrap())).collect()
}

fn a_file_is_applied(database: &Database, folder: &Path) {
    let url = database.url();
    let file = folder.join("clients.toml");
    let path = file.to_str().unwrap();
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let gallery = r#"
        [[client]]
        id = "gallery"
        name = "Gallery"
        redirect_uris = ["https://gallery.example/cb"]
        public = true
    "#;
    let robot = r#"
        [[client]]
        id = "robot"
        name = "Robot"
        redirect_uris = ["http://127.0.0.1/cb"]
    "#;
    succeeds(&url, &["migrate"]);
    write(&format!("{gallery}{robot}"));
    let planned = succeeds(&url, &["client", "apply", path, "--dry-run"]);
    assert_eq!(changes(&planned), [("gallery", "added"), ("robot", "added")]);
    assert_eq!(succeeds(&url, &["client", "list"]), json!([]), "a dry run changes nothing");
    let applied = succeeds(&url, &["client", "apply", path]);
    assert!(applied["clients"][0].get("client_secret").is_none(), "a public client has none");
    assert_eq!(applied["clients"][1]["client_secret"].as_str().unwrap().len(), 43);
    let again = succeeds(&url, &["client", "apply", path]);
    assert_eq!(changes(&again), [("gallery", "unchanged"), ("robot", "unchanged")]);

    succeeds(
        &url,
        &["client", "add", "--name", "Mine", "--redirect-uri", "https://mine.example", "--id", "mine"],
    );
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    write(&format!("{}secret_sha256 = [\"{digest}\"]", robot.replace("Robot", "Android")));
    let changed = succeeds(&url, &["client", "apply", path]);
    assert_eq!(changes(&changed), [("robot", "changed"), ("gallery", "removed")]);
    assert_eq!(changed["clients"][0]["settings"], json!(["name", "authentication"]));
    let all = succeeds(&url, &["client", "list"]);
    let ids: Vec<_> = all.as_array().unwrap().iter().map(|client| client["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["mine", "robot"], "those of `client add` stay");

    for bad in [
        gallery.replace("gallery", "mine"),
        format!("{gallery}{gallery}"),
        format!("{gallery}rotation = false"),
        format!("{gallery}secret_sha256 = [\"abc\"]"),
        format!("{gallery}surprise = 1"),
        gallery.replace("https://gallery", "http://gallery"),
        "not toml".to_owned(),
    ] {
        write(&bad);
        let code = fails(&url, &["client", "apply", path]);
        assert!(matches!(code.as_str(), "invalid_client" | "invalid_file"), "{bad}: {code}");
        assert_eq!(succeeds(&url, &["client", "list"]), all, "nothing changed: {bad}");
    }
}

#[actix_web::test]
async fn clients_and_scopes_are_registered_on_sqlite() {
    clients_are_registered(&Database::sqlite());
}

#[actix_web::test]
async fn clients_and_scopes_are_registered_on_postgres() {
    clients_are_registered(&Database::postgres().await);
}

#[actix_web::test]
async fn a_file_of_clients_is_applied_as_a_whole_on_sqlite() {
    a_file_is_applied(&Database::sqlite(), tempfile::tempdir().unwrap().path());
}

#[actix_web::test]
async fn a_file_of_clients_is_applied_as_a_whole_on_postgres() {
    a_file_is_applied(&Database::postgres().await, tempfile::tempdir().unwrap().path());
}
