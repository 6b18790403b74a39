//! Faults of real databases, and what clients see of them. docs/reliability.md lists them.

mod connection_limit;
mod full_disk;
mod hot_standby;
mod pooling_mode;
mod read_only;
mod readiness;
mod restart;
mod silent_network;
mod small_disk;
mod starting;
mod stopped_server;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use scratch_pg::ScratchPg;
use serde_json::{Value, json};
use test_support::{Proxy, Target};

use crate::programs::{Server, TIMEOUT};

/// A relay in front of that server, and the URL of its database `postgres` through it.
fn relay(postgres: &ScratchPg) -> (Proxy, String) {
    let relay = Proxy::new(socket(postgres));
    let url = format!("postgres://postgres@{}/postgres?sslmode=disable", relay.address());
    (relay, url)
}

pub(crate) fn socket(postgres: &ScratchPg) -> Target {
    Target::Unix(postgres.folder().join(".s.PGSQL.5432"))
}

/// Runs statements as an administrator, and returns what they print.
pub(crate) fn psql(url: &str, statements: &str) -> String {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
    let output: Output = command.args(["--command", statements, url]).output().unwrap();
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Registers Ann and signs her in so often. Returns the refresh tokens.
async fn sessions(auth: &Server, count: usize) -> Vec<String> {
    auth.register().await;
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(auth.sign_in().await.1);
    }
    tokens
}

/// The status of a refresh.
pub(crate) async fn refresh(auth: &Server, token: &str) -> u16 {
    auth.post("/token", &json!({ "refresh_token": token })).await.status().as_u16()
}

/// The statuses of refreshes at the same time.
async fn refresh_all(auth: &Server, tokens: &[String]) -> Vec<u16> {
    join_all(tokens.iter().map(|token| refresh(auth, token))).await
}

async fn sign_out(auth: &Server, token: &str) -> u16 {
    auth.delete("/logout", &json!({ "refresh_token": token })).await.status().as_u16()
}

/// The status of `/readyz`, and the sentence of the error if it is one.
pub(crate) async fn readiness(auth: &Server) -> (u16, String) {
    let answer = auth.get("/readyz", "").await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["error_description"].as_str().unwrap_or_default().to_owned())
}

/// Repeats a request until it has this status, and returns how long that took.
pub(crate) async fn until(expected: u16, request: impl AsyncFn() -> u16) -> Duration {
    let began = Instant::now();
    loop {
        let status = request().await;
        if status == expected {
            return began.elapsed();
        }
        assert!(began.elapsed() < TIMEOUT, "still {status} instead of {expected}");
    }
}
