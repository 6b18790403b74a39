//! auth-servers on two nodes of a Citus cluster, and a worker that stops. `scripts/test-citus` runs these.

use std::time::{Duration, Instant};

use reqwest::Client;
use scratch_pg::{CitusCluster, CitusDatabase, Profile};
use serde_json::{Value, json};

use super::fleet::{client, metric_at, ready_api, sign_out, status, wait_for};
use crate::programs::{PASSWORD, Server, TIMEOUT, auth_server, run};

/// How long a sign-out may take to reach api-server while a worker is down: the shards are read once a second.
const MAX_DELAY: Duration = Duration::from_secs(5);

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
#[ignore = "needs Citus: scripts/test-citus"]
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

/// Users whose data and address are on that worker.
async fn users_on(database: &CitusDatabase, worker: i64, emails: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for email in emails {
        let on_worker = |table: &str, key: String| {
            format!(
                "select count(*) from pg_dist_placement p join pg_dist_node n on n.groupid = p.groupid
                 where p.shardid = get_shard_id_for_distribution_column('{table}', {key}) and n.nodeport = {worker}"
            )
        };
        let id = format!("(select user_id from emails where email_key = '{email}')");
        let user = database.number(&on_worker("users", id)).await;
        let address = database.number(&on_worker("emails", format!("'{email}'::text"))).await;
        if (user, address) == (1, 1) {
            found.push(email.clone());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Citus: scripts/test-citus"]
async fn on_citus_a_worker_that_stops_concerns_only_its_users() {
    let cluster = CitusCluster::start(Profile::Durable, 2).unwrap();
    let database = distributed(&cluster).await;
    let mut command = auth_server(&database.url(0));
    command.env("METRICS_ADDR", "127.0.0.1:0").env("RUST_LOG", "info");
    let mut auth = Server::start(command);
    let metrics = auth.running.wait_for("metrics are at ");
    let other_auth = Server::start(auth_server(&database.url(2)));
    let api = ready_api(&auth.url, |_| {}).await;
    let client = client();
    let emails: Vec<_> = (0..24).map(|number| format!("user{number}@example.com")).collect();
    for email in &emails {
        register(&client, &auth.url, email).await;
    }
    let [stopped, healthy] = [1, 2].map(|worker| i64::from(cluster.node(worker).port()));
    let (lost, served) =
        (users_on(&database, stopped, &emails).await, users_on(&database, healthy, &emails).await);
    let mut sessions = Vec::new();
    for email in [&served[0], &served[1], &lost[0]] {
        sessions.push(sign_in(&client, &auth.url, email).await.1.unwrap());
    }

    cluster.node(1).stop_immediate().unwrap();
    let began = Instant::now();
    let (code, successor) = refresh(&client, &auth.url, &sessions[0].refresh).await;
    assert_eq!(code, 200);
    let (code, at_other) = refresh(&client, &other_auth.url, &sessions[1].refresh).await;
    assert_eq!(code, 200, "at an auth-server on the worker that runs");
    assert_eq!(sign_in(&client, &auth.url, &served[2]).await.0, 200);
    for tokens in [successor, at_other] {
        let tokens = tokens.unwrap();
        let began = Instant::now();
        assert_eq!(sign_out(&client, &auth.url, &tokens.access).await, 204);
        wait_for(&client, &api, "/me", &tokens.access, 401).await;
        println!("while a worker is down, a sign-out reached api-server within {:?}", began.elapsed());
        assert!(began.elapsed() < MAX_DELAY);
    }
    assert_eq!(refresh(&client, &auth.url, &sessions[2].refresh).await.0, 503);
    assert_eq!(sign_out(&client, &auth.url, &sessions[2].access).await, 503, "not acknowledged");
    let node = format!("127.0.0.1:{stopped}");
    let ready = client.get(format!("{}/readyz", auth.url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body, json!({ "status": "ok", "feed_cannot_read": [node] }));
    assert!(auth.running.output().contains("cannot read these nodes"), "{}", auth.running.output());
    assert!((metric_at(&metrics, "goptri_feed_unread_nodes").await - 1.0).abs() < 0.1);
    let down = began.elapsed().as_secs_f64();
    let age = metric_at(&metrics, "goptri_feed_tail_age_seconds").await;
    assert!(age > down - 1.0, "the age of the oldest part: {age}");

    cluster.node(1).restart().unwrap();
    let began = Instant::now();
    while refresh(&client, &auth.url, &sessions[2].refresh).await.0 != 200 {
        assert!(began.elapsed() < TIMEOUT, "{}", auth.running.output());
    }
    println!("the first refresh after the restart of the worker succeeded after {:?}", began.elapsed());
    assert_eq!(sign_out(&client, &auth.url, &sessions[2].access).await, 204);
    wait_for(&client, &api, "/me", &sessions[2].access, 401).await;
    while metric_at(&metrics, "goptri_feed_unread_nodes").await > 0.1 {
        assert!(began.elapsed() < TIMEOUT, "{}", auth.running.output());
    }
    assert_eq!(status(&client, &auth.url, "/readyz", "").await, 200);
}
