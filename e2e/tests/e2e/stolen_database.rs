//! A copy of the database contains nothing that can be used to sign in.

use std::fs;
use std::process::Command;

use goptri::token::UnverifiedJws;
use serde_json::{Value, json};

use crate::programs::{Database, PASSWORD, Server, auth_server};

/// The contents of the database as text: the bytes of its files, or a dump.
fn copy_of(database: &Database) -> String {
    let bytes = match database {
        Database::Sqlite(folder) => {
            let files =
                fs::read_dir(folder.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
            files.collect::<Vec<_>>().concat()
        }
        Database::Postgres(database) => {
            let dumped = Command::new("pg_dump").arg(database.url()).output().unwrap();
            assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
            dumped.stdout
        }
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn payload(token: &str) -> Value {
    serde_json::from_str(&UnverifiedJws::parse(token).unwrap().payload_json().unwrap()).unwrap()
}

async fn contains_no_credentials(database: Database) {
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
    let (access, first) = auth.sign_in().await;
    let refreshed: Value =
        auth.post("/token", &json!({ "refresh_token": first })).await.json().await.unwrap();
    let second = refreshed["refresh_token"].as_str().unwrap();

    let copy = copy_of(&database);
    // Proves that the copy is complete: it has users and password hashes.
    for expected in ["ann@example.com", "$argon2id$v=19$m=19456,t=2,p=1$", "photos:read photos:write"] {
        assert!(copy.contains(expected), "no {expected}");
    }
    let secrets = [
        PASSWORD.to_owned(),
        payload(&access)["jti"].as_str().unwrap().to_owned(),
        payload(second)["jti"].as_str().unwrap().to_owned(),
        first.rsplit('.').next().unwrap().to_owned(),
        second.rsplit('.').next().unwrap().to_owned(),
    ];
    for secret in secrets {
        assert!(!copy.contains(&secret), "the copy has {secret}");
    }
}

/// RT-02, PW-01
#[tokio::test]
async fn a_copy_of_the_database_contains_no_credentials_on_sqlite() {
    contains_no_credentials(Database::sqlite()).await;
}

/// RT-02, PW-01
#[tokio::test]
async fn a_copy_of_the_database_contains_no_credentials_on_postgres() {
    contains_no_credentials(Database::postgres().await).await;
}
