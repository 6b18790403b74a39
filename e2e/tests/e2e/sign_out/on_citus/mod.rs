//! auth-servers on two nodes of a Citus cluster, and a worker that fails. `scripts/test-citus` runs these.

mod worker_fails;

use std::time::Instant;

use reqwest::Client;
use scratch_pg::{CitusCluster, CitusDatabase, Profile};
use serde_json::{Value, json};

use super::fleet::{client, ready_api, sign_out, wait_for};
use crate::programs::{PASSWORD, Server, auth_server, run};

/// A migrated and distributed database.
async fn distributed(cluster: &CitusCluster) -> CitusDatabase {
    let database = CitusDatabase::on(&cluster.urls()).await;
    for arguments in [&["migrate"][..], &["database", "distribute"]] {
        command(&database, arguments, 0);
    }
    database
}

/// Runs a command on the coordinator. Returns what it prints.
fn command(database: &CitusDatabase, arguments: &[&str], code: i32) -> String {
    let output = run(auth_server(&database.url(0)), arguments, "");
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {printed}");
    printed
}

struct Tokens {
    access: String,
    refresh: String,
}

async fn register(client: &Client, auth: &str, email: &str) {
    let user = json!({ "email": email, "password": PASSWORD });
    let answer = client.post(format!("{auth}/users")).json(&user).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

/// The status, and the tokens of a success.
async fn tokens(request: reqwest::RequestBuilder) -> (u16, Option<Tokens>) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let token = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    (
        status,
        token("access_token").zip(token("refresh_token")).map(|(access, refresh)| Tokens { access, refresh }),
    )
}

async fn sign_in(client: &Client, auth: &str, email: &str) -> (u16, Option<Tokens>) {
    let user = json!({ "email": email, "password": PASSWORD });
    tokens(client.post(format!("{auth}/login")).json(&user)).await
}

async fn refresh(client: &Client, auth: &str, token: &str) -> (u16, Option<Tokens>) {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    tokens(client.post(format!("{auth}/token")).form(&form)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_servers_on_two_nodes_serve_one_database() {
    let cluster = CitusCluster::start(Profile::Fast, 2).unwrap();
    let database = CitusDatabase::on(&cluster.urls()).await;
    assert!(command(&database, &["database", "distribute"], 1).contains("run `auth-server migrate`"));
    command(&database, &["migrate"], 0);
    let plan = command(&database, &["database", "distribute", "--dry-run"], 0);
    assert!(plan.contains("sessions: to be distributed by user_id"), "{plan}");
    let done = command(&database, &["database", "distribute"], 0);
    assert!(done.contains("emails: distributed by email_key now"), "{done}");
    let again = command(&database, &["database", "distribute"], 0);
    assert!(again.contains("emails: distributed by email_key already"), "{again}");
    assert!(command(&database, &["check"], 0).contains("is reachable, distributed, migrated and writable"));

    let auths = [0, 1].map(|node| Server::start(auth_server(&database.url(node))));
    assert!(auths[1].running.output().contains("the tables are distributed by Citus"));
    let apis = [ready_api(&auths[0].url, |_| {}).await, ready_api(&auths[1].url, |_| {}).await];
    let client = client();
    for (here, there) in [(0, 1), (1, 0)] {
        let email = format!("user{here}@example.com");
        register(&client, &auths[here].url, &email).await;
        let (_, first) = sign_in(&client, &auths[there].url, &email).await;
        let (status, second) = refresh(&client, &auths[here].url, &first.unwrap().refresh).await;
        assert_eq!(status, 200);
        let tokens = second.unwrap();
        let began = Instant::now();
        assert_eq!(sign_out(&client, &auths[there].url, &tokens.access).await, 204);
        for api in &apis {
            wait_for(&client, api, "/me", &tokens.access, 401).await;
        }
        println!("a sign-out at node {there} reached both api-servers within {:?}", began.elapsed());
        assert_eq!(refresh(&client, &auths[here].url, &tokens.refresh).await.0, 400);
    }
}

#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_refresh_batching_on_is_warned_about() {
    let cluster = CitusCluster::start(Profile::Fast, 2).unwrap();
    let database = distributed(&cluster).await;
    for (setting, is_warned_about) in [("auto", false), ("off", false), ("on", true)] {
        let mut command = auth_server(&database.url(0));
        command.env("REFRESH_BATCHING", setting);
        let output = Server::start(command).running.output();
        assert!(output.contains("the tables are distributed by Citus"), "{output}");
        let warning = "REFRESH_BATCHING=on in a distributed database";
        assert_eq!(output.contains(warning), is_warned_about, "{setting}: {output}");
    }
}
