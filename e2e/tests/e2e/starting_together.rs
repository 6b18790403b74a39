//! Several servers start at the same time on an empty database without racing in the migrations.

use std::thread;

use serde_json::json;

use crate::programs::{Database, Server, auth_server};

async fn start_together_and_share_sessions(database: Database) {
    let starting: Vec<_> = (0..4)
        .map(|_| {
            let command = auth_server(&database.url());
            thread::spawn(move || Server::start(command))
        })
        .collect();
    let servers: Vec<Server> = starting.into_iter().map(|server| server.join().unwrap()).collect();
    servers[0].register().await;
    let (_, mut refresh) = servers[0].sign_in().await;
    for server in &servers {
        let answer = server.post("/token", &json!({ "refresh_token": refresh })).await;
        assert_eq!(answer.status(), 200);
        let tokens: serde_json::Value = answer.json().await.unwrap();
        refresh = String::from(tokens["refresh_token"].as_str().unwrap());
    }
    assert_eq!(servers[3].delete("/logout", &json!({ "refresh_token": refresh })).await.status(), 204);
    assert_eq!(servers[1].post("/token", &json!({ "refresh_token": refresh })).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_servers_start_together_on_an_empty_sqlite_file() {
    start_together_and_share_sessions(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_servers_start_together_on_an_empty_postgres() {
    start_together_and_share_sessions(Database::postgres().await).await;
}
