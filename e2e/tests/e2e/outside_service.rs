//! The example service, protected by the library.

use std::time::Instant;

use reqwest::Client;

use crate::programs::{
    ACCESS_TOKEN_SECRET, Database, Running, Server, TIMEOUT, auth_server, free_address, program, run,
};

#[tokio::test]
async fn the_example_service_identifies_its_callers() {
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    identifies_its_callers(&auth, ("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)).await;
}

/// Such a service cannot sign tokens.
#[tokio::test]
async fn a_service_without_a_secret_identifies_its_callers_with_public_keys() {
    let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    let keys = folder.path().join("keys.pem");
    let made = run(program("auth-server"), &["key", "generate", keys.to_str().unwrap()], "");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut command = auth_server(&database.url());
    command.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_KEY_FILE", &keys);
    let auth = Server::start(command);
    identifies_its_callers(&auth, ("AUTH_SERVER_URL", &auth.url)).await;
}

async fn identifies_its_callers(auth: &Server, by: (&str, &str)) {
    auth.register().await;
    let (access, refresh) = auth.sign_in().await;

    let address = free_address();
    let mut command = program("actix-service-example");
    command.env("ADDR", &address).env(by.0, by.1);
    let service = Running::start(command);
    let client = Client::new();
    let get = |path: &str| client.get(format!("http://{address}{path}"));
    let started = Instant::now();
    // Until it listens and has keys; without keys it responds 503.
    while get("/hello").bearer_auth(&access).send().await.map_or(true, |answer| answer.status() == 503) {
        assert!(started.elapsed() < TIMEOUT, "{}", service.output());
    }

    assert_eq!(get("/hello").send().await.unwrap().status(), 401);
    assert_eq!(get("/hello").bearer_auth(&refresh).send().await.unwrap().status(), 401);
    let hello = get("/hello").bearer_auth(&access).send().await.unwrap();
    assert_eq!(hello.status(), 200);
    assert_eq!(hello.text().await.unwrap(), "Hello, ann@example.com\n");
    let invoices = get("/invoices").bearer_auth(&access).send().await.unwrap();
    assert_eq!(invoices.status(), 403, "a sign-in here does not grant invoices:read");
}

#[test]
fn without_a_secret_the_service_names_the_missing_variables() {
    let output = program("actix-service-example").current_dir(std::env::temp_dir()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL"),
        "{errors}"
    );
}
