//! The time from the 204 of a sign-out to the first 401 at each api-server. No token is accepted again.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use goptri::token::UnverifiedJws;
use reqwest::Client;
use serde_json::{Value, json};

use super::fleet::{
    SignedIn, client, metric, p50_and_p99, ready_api, recorded, sign_in, sign_out, status, two_of_each,
    wait_for,
};
use crate::programs::{Database, Server, TIMEOUT, auth_server, run};

const WORKERS: usize = 4;

/// Signs a session out at `auth` and returns how long each api-server accepted the token after the 204.
async fn until_rejected(client: &Client, auth: &str, apis: &[&str], token: &str) -> Vec<Duration> {
    assert_eq!(sign_out(client, auth, token).await, 204);
    let acknowledged = Instant::now();
    let polling = apis.iter().map(|api| async move {
        while status(client, api, "/me", token).await != 401 {
            assert!(acknowledged.elapsed() < TIMEOUT, "a token is still accepted");
        }
        acknowledged.elapsed()
    });
    join_all(polling).await
}

/// Signs out several at a time. Returns the times for each api-server.
async fn sign_all_out(auth: &str, apis: &[&str], signed_in: &[SignedIn]) -> Vec<Vec<Duration>> {
    let chunks = signed_in.chunks(signed_in.len().div_ceil(WORKERS));
    let workers = chunks.map(|chunk| async move {
        let client = client();
        let mut took = vec![Vec::new(); apis.len()];
        for session in chunk {
            let times = until_rejected(&client, auth, apis, &session.access).await;
            took.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        }
        took
    });
    let mut all = vec![Vec::new(); apis.len()];
    for took in join_all(workers).await {
        all.iter_mut().zip(took).for_each(|(all, took)| all.extend(took));
    }
    all
}

async fn none_is_accepted_again(apis: &[&str], signed_in: &[SignedIn]) {
    let client = client();
    for api in apis {
        for session in signed_in {
            assert_eq!(status(&client, api, "/me", &session.access).await, 401);
        }
    }
}

fn print(what: &str, took: Vec<Duration>) {
    let (number, (p50, p99)) = (took.len(), p50_and_p99(took));
    println!("{what}: {number} sign-outs, from the 204 to the first 401: p50 {p50:.1?}, p99 {p99:.1?}");
    // Generous, for busy machines; polling for entries would exceed it.
    assert!(p50 < Duration::from_secs(3), "half of them took longer than {p50:?}");
}

/// RV-05, RV-06
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sign_outs_reach_every_api_server_on_postgres() {
    let database = Database::postgres().await;
    let signed_in = sign_in(&database.url(), 1_000).await;
    let [(one, mut behind_one), (_other, mut behind_other)] = two_of_each(&database).await;
    let urls = [behind_one.url.clone(), behind_other.url.clone()];
    let apis = urls.each_ref().map(String::as_str);
    let took = sign_all_out(&one.url, &apis, &signed_in).await;
    let whose = ["its own api-server", "another auth-server's api-server"];
    for (whose, took) in whose.into_iter().zip(took) {
        assert_eq!(took.len(), 1_000, "each is seen at {whose}");
        print(&format!("Postgres, {whose}"), took);
    }
    assert_eq!(recorded(&one.url).await, 1_000);
    for api in [&mut behind_one, &mut behind_other] {
        let started = Instant::now();
        while metric(api, "goptri_feed_entries").await < 1_000.0 {
            assert!(started.elapsed() < TIMEOUT);
        }
    }
    none_is_accepted_again(&apis, &signed_in).await;
}

/// RV-05, RV-06
#[tokio::test(flavor = "multi_thread")]
async fn sign_outs_reach_the_api_server_on_sqlite() {
    let database = Database::sqlite();
    let signed_in = sign_in(&database.url(), 300).await;
    let auth = Server::start(auth_server(&database.url()));
    let api = ready_api(&auth.url, |_| {}).await;
    let took = sign_all_out(&auth.url, &[&api.url], &signed_in).await.remove(0);
    print("SQLite", took);
    none_is_accepted_again(&[&api.url], &signed_in).await;
}

/// How many refreshes must win against the sign-out, on each database.
const REFRESHES_THAT_WON: usize = 10;

/// Tokens from a refresh that wins against the sign-out are revoked too.
///
/// After each refresh that lost, the sign-out is sent later, and after each that won, sooner, so that the race stays close.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_from_a_refresh_just_before_the_sign_out_is_rejected() {
    for database in [Database::sqlite(), Database::postgres().await] {
        let auth = Server::start(auth_server(&database.url()));
        let api = ready_api(&auth.url, |_| {}).await;
        auth.register().await;
        let (client, started) = (client(), Instant::now());
        let (mut won, mut lost, mut head_start) = (0, 0, 1_u32);
        while won < REFRESHES_THAT_WON {
            assert!(started.elapsed() < TIMEOUT, "{won} refreshes won, {lost} lost");
            let (access, refresh) = auth.sign_in().await;
            let body = json!({ "refresh_token": refresh });
            let signing_out = async {
                for _ in 0..head_start {
                    tokio::task::yield_now().await;
                }
                sign_out(&client, &auth.url, &access).await
            };
            let (refreshed, signed_out) = tokio::join!(auth.post("/token", &body), signing_out);
            assert_eq!(signed_out, 204);
            if refreshed.status() != 200 {
                (lost, head_start) = (lost + 1, head_start.saturating_mul(2));
                continue;
            }
            (won, head_start) = (won + 1, (head_start / 2).max(1));
            let tokens: Value = refreshed.json().await.unwrap();
            let late = tokens["access_token"].as_str().unwrap();
            assert!(UnverifiedJws::parse(late).is_ok());
            let refused = Instant::now();
            while status(&client, &api.url, "/me", late).await != 401 {
                assert!(refused.elapsed() < TIMEOUT, "{}", api.running.output());
            }
        }
        println!("{won} refreshes won against the sign-out, {lost} lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_on_the_command_line_is_rejected_and_its_session_goes_on() {
    for database in [Database::sqlite(), Database::postgres().await] {
        let auth = Server::start(auth_server(&database.url()));
        let api = ready_api(&auth.url, |_| {}).await;
        auth.register().await;
        let (access, refresh) = auth.sign_in().await;
        let revoked = run(auth_server(&database.url()), &["token", "revoke", "-"], &access);
        assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
        wait_for(&client(), &api, "/me", &access, 401).await;
        let refreshed = auth.post("/token", &json!({ "refresh_token": refresh })).await;
        let tokens: Value = refreshed.json().await.unwrap();
        let next = tokens["access_token"].as_str().unwrap();
        assert_eq!(status(&client(), &api.url, "/me", next).await, 200);
        for (nonsense, why) in [
            ("nonsense", "there is nothing to revoke"),
            (refresh.as_str(), "its typ is missing or names another type"),
        ] {
            let refused = run(auth_server(&database.url()), &["token", "revoke"], nonsense);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(refused.status.code() == Some(1) && said.contains(why), "{said}");
        }
    }
}
