//! Servers are killed or restarted: acknowledged sign-outs hold.

use std::io::Write;
use std::time::{Duration, Instant};

use super::fleet::{client, ready_api, sign_in, sign_out, status, wait_for};
use crate::programs::{
    Database, FEED_SECRET, Server, TIMEOUT, api_server_that_follows, auth_server, free_address,
};

/// RV-06, RV-07
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_api_server_is_not_ready_before_it_has_received_a_hundred_thousand_entries() {
    let postgres = scratch_pg::Database::fresh().await;
    let signed_in = sign_in(postgres.url(), 3).await;
    postgres.execute(&insert_entries(100_000)).await;
    let auth = Server::start(auth_server(postgres.url()));
    let client = client();
    assert_eq!(sign_out(&client, &auth.url, &signed_in[0].access).await, 204);
    for _ in 0..3 {
        let api = Server::start(api_server_that_follows(&auth.url));
        let started = Instant::now();
        wait_for(&client, &api, "/readyz", "", 200).await;
        println!("ready with 100,000 entries {:.1?} after its start", started.elapsed());
        assert_eq!(status(&client, &api.url, "/me", &signed_in[0].access).await, 401);
        assert_eq!(status(&client, &api.url, "/me", &signed_in[2].access).await, 200);
        api.running.signal("KILL");
    }
}

/// A statement that inserts entries.
fn insert_entries(number: u32) -> String {
    format!(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         select gen_random_uuid(), 'session', gen_random_uuid()::text, now(), now() + interval '2 hours'
         from generate_series(1, {number})"
    )
}

/// RV-04, RV-06: killed during sign-outs. Each acknowledged sign-out holds, also if its entry was not sent.
async fn acknowledged_sign_outs_hold_after_a_kill(database: Database) {
    let signed_in = sign_in(&database.url(), 60).await;
    let address = free_address();
    let start = || {
        let mut command = auth_server(&database.url());
        command.env("AUTH_SERVER_ADDR", &address);
        Server::start(command)
    };
    let auth = start();
    let api = ready_api(&auth.url, |_| {}).await;
    let client = client();
    let mut acknowledged = Vec::new();
    for (number, session) in signed_in.iter().enumerate() {
        if number == 30 {
            auth.running.signal("KILL");
        }
        if sign_out(&client, &format!("http://{address}"), &session.access).await == 204 {
            acknowledged.push(session);
        }
    }
    assert!(acknowledged.len() >= 30 && acknowledged.len() < 60, "{}", acknowledged.len());
    drop(auth);
    let _auth = start();
    for session in acknowledged {
        wait_for(&client, &api, "/me", &session.access, 401).await;
    }
    assert_eq!(status(&client, &api.url, "/me", &signed_in[59].access).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_outs_acknowledged_before_a_kill_hold_on_sqlite() {
    acknowledged_sign_outs_hold_after_a_kill(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_outs_acknowledged_before_a_kill_hold_on_postgres() {
    acknowledged_sign_outs_hold_after_a_kill(Database::postgres().await).await;
}

/// The feed is closed first, so that followers do not delay the exit; they continue with the new process.
#[tokio::test(flavor = "multi_thread")]
async fn followers_continue_after_a_restart_of_auth_server() {
    let database = Database::sqlite();
    let signed_in = sign_in(&database.url(), 2).await;
    let address = free_address();
    let start = || {
        let mut command = auth_server(&database.url());
        command.env("AUTH_SERVER_ADDR", &address);
        Server::start(command)
    };
    let mut auth = start();
    let api = ready_api(&auth.url, |_| {}).await;
    let asked = Instant::now();
    auth.running.signal("TERM");
    assert_eq!(auth.running.wait().code(), Some(0));
    assert!(asked.elapsed() < TIMEOUT / 6, "a follower delayed the exit for {:?}", asked.elapsed());
    let client = client();
    assert_eq!(status(&client, &api.url, "/me", &signed_in[0].access).await, 200, "verification goes on");
    let auth = start();
    assert_eq!(sign_out(&client, &auth.url, &signed_in[0].access).await, 204);
    wait_for(&client, &api, "/me", &signed_in[0].access, 401).await;
    assert_eq!(status(&client, &api.url, "/me", &signed_in[1].access).await, 200);
}

/// The entries exceed all buffers on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_stops_reading_does_not_delay_the_exit() {
    let postgres = scratch_pg::Database::fresh().await;
    sign_in(postgres.url(), 1).await;
    postgres.execute(&insert_entries(300_000)).await;
    let mut auth = Server::start(auth_server(postgres.url()));
    let mut silent = auth.connect();
    let request = format!(
        "GET /revocations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {FEED_SECRET}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    silent.write_all(request.as_bytes()).unwrap();
    let (mut arrived, mut quiet, mut buffer) = (0, 0, vec![0; 64 * 1024 * 1024]);
    while quiet < 3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = arrived;
        arrived = silent.peek(&mut buffer).unwrap();
        quiet = if arrived == before && arrived > 64 * 1024 { quiet + 1 } else { 0 };
    }
    println!("{arrived} bytes wait for the follower");
    assert!(arrived < 300_000 * 80, "all data has arrived, so nothing is blocked");
    let asked = Instant::now();
    auth.running.signal("TERM");
    assert_eq!(auth.running.wait().code(), Some(0));
    println!("the exit took {:.1?}", asked.elapsed());
    assert!(asked.elapsed() < TIMEOUT / 4, "it delayed the exit for {:?}", asked.elapsed());
}
