//! While the database is down, auth-server responds 503 with Retry-After, never 401 or `invalid_grant`, and api-server is
//! not affected.

use std::time::Instant;

use scratch_pg::{Profile, ScratchPg};
use serde_json::{Value, json};

use crate::feed_followed::ready_api_server;
use crate::programs::{
    Database, EMAIL, PASSWORD, Running, Server, TIMEOUT, auth_server, free_address, program,
};

/// RV-04, OP-06
#[tokio::test]
async fn without_its_database_auth_server_responds_503_and_api_server_is_not_affected() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let auth = Server::start(auth_server(&postgres.url("postgres")));
    let (api, _feed) = ready_api_server();
    auth.register().await;
    let (access, refresh) = auth.sign_in().await;
    postgres.stop_immediate().unwrap();

    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    let refreshing = json!({ "refresh_token": refresh });
    for answer in [
        auth.post("/users", &json!({ "email": "bob@example.com", "password": PASSWORD })).await,
        auth.post("/login", &credentials).await,
        auth.post("/token", &refreshing).await,
        auth.delete("/logout", &refreshing).await,
        auth.get("/readyz", "").await,
    ] {
        let path = answer.url().path().to_owned();
        assert_eq!(answer.status(), 503, "{path}");
        assert!(answer.headers().contains_key("retry-after"), "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"], "temporarily_unavailable", "{path}");
    }
    assert_eq!(auth.get("/healthz", "").await.status(), 200, "the process runs");
    assert_eq!(auth.get("/currentuser", &access).await.status(), 200);
    assert_eq!(
        auth.post("/token", &json!({ "refresh_token": "forged" })).await.status(),
        400,
        "a forged token needs no query"
    );
    assert_eq!(api.get("/me", &access).await.status(), 200);
    assert_eq!(api.get("/readyz", "").await.status(), 200);

    postgres.restart().unwrap();
    wait_until_ready(&auth).await;
    assert_eq!(auth.post("/token", &refreshing).await.status(), 200, "nothing was lost");
    assert_eq!(auth.delete("/logout", &refreshing).await.status(), 204);
}

#[tokio::test]
async fn an_unmigrated_database_makes_the_server_unready_and_the_error_names_the_command_on_postgres() {
    unready_before_its_migration(Database::postgres().await).await;
}

#[tokio::test]
async fn an_unmigrated_database_makes_the_server_unready_and_the_error_names_the_command_on_sqlite() {
    unready_before_its_migration(Database::sqlite()).await;
}

async fn unready_before_its_migration(database: Database) {
    let mut command = auth_server(&database.url());
    command.env("AUTO_MIGRATE", "off");
    let auth = Server::start(command);
    let answer = auth.get("/readyz", "").await;
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.unwrap();
    assert!(body["error_description"].as_str().unwrap().contains("auth-server migrate"));

    let signing_in = auth.post("/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
    assert_eq!(signing_in.status(), 503);
    let body: Value = signing_in.json().await.unwrap();
    assert_eq!(body["error"], "not_migrated");

    let mut migrate = program("auth-server");
    migrate.arg("migrate").env("DATABASE_URL", database.url());
    let migrated = migrate.output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    wait_until_ready(&auth).await;
    auth.register().await;
}

/// A result of `/readyz` counts for a second.
async fn wait_until_ready(auth: &Server) {
    let started = Instant::now();
    while auth.get("/readyz", "").await.status() != 200 {
        assert!(started.elapsed() < TIMEOUT, "{}", auth.running.output());
    }
}

#[test]
fn a_server_that_waits_for_its_database_stops_on_sigterm() {
    let mut waiting = Running::start(auth_server(&format!("postgres://postgres@{}/goptri", free_address())));
    waiting.wait_for("waiting for the database");
    waiting.signal("TERM");
    assert_eq!(waiting.wait().code(), Some(0), "{}", waiting.output());
}
