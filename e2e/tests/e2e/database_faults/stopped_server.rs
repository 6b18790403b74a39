//! An auth-server is stopped between two statements of a sign-out, as a frozen container or a suspended machine is.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};

use super::{psql, refresh, relay, sessions, sign_out};
use crate::programs::{Server, TIMEOUT, auth_server};

/// How long Postgres lets a transaction wait for its client, and some time for a busy machine.
const LIMIT: Duration = Duration::from_secs(4);

/// The transaction in which the sign-out is.
const SIGN_OUT: &str = "from pg_stat_activity where application_name = 'goptri' and backend_xid is not null";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_in_the_middle_of_a_sign_out_holds_up_no_other_for_more_than_two_seconds() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    let url = postgres.url("postgres");
    // On TCP, a client that wakes reads why its connection was closed.
    let (_relay, far) = relay(&postgres);
    let (stopped, other) = (Server::start(auth_server(&far)), Server::start(auth_server(&url)));
    let tokens = sessions(&stopped, 2).await;

    // The sign-out waits in its first statement until the server is stopped.
    let mut locker = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--tuples-only", "--set=ON_ERROR_STOP=1", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = locker.stdin.take().unwrap();
    typed.write_all(b"begin; select from sessions for update; \n\\echo locked\n").unwrap();
    let mut said = BufReader::new(locker.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "locked"));
    let began = Instant::now();
    let until = |query: &str, expected: &str| {
        while psql(&url, query) != expected {
            assert!(began.elapsed() < TIMEOUT, "{query} is not {expected}");
        }
    };
    let server = std::sync::Arc::new(stopped);
    let signing_out = {
        let (server, token) = (std::sync::Arc::clone(&server), tokens[0].clone());
        tokio::spawn(async move { sign_out(&server, &token).await })
    };
    until("select count(*) from pg_stat_activity where wait_event_type = 'Lock'", "1");
    server.running.signal("STOP");
    drop(typed);
    assert!(locker.wait().unwrap().success());
    until(&format!("select state {SIGN_OUT}"), "idle in transaction");
    let number: u64 = psql(&url, &format!("select backend_xid {SIGN_OUT}")).parse().unwrap();

    let began = Instant::now();
    assert_eq!(refresh(&other, &tokens[1]).await, 200, "another session waits for nothing");
    assert_eq!(sign_out(&other, &tokens[0]).await, 204, "the same session waits for its lock");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    let horizon: u64 = psql(&url, "select pg_snapshot_xmin(pg_current_snapshot())").parse().unwrap();
    assert!(horizon > number, "the feed is read again from {horizon}, and {number} is still running");

    server.running.signal("CONT");
    assert_eq!(signing_out.await.unwrap(), 204, "it is repeated, and finds the session ended");
    assert_eq!(refresh(&server, &tokens[0]).await, 400);
    assert_eq!(refresh(&server, &tokens[1]).await, 200, "within the grace");
}
