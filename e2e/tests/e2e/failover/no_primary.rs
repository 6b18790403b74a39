//! Several hosts, none of which is a primary at the moment.

use std::time::Duration;

use scratch_pg::{Profile, ScratchPg};

use crate::database_faults::{psql, readiness, refresh, until};
use crate::programs::{Running, Server, auth_server, run};

/// From the promotion until the server is ready.
const RECOVERY: Duration = Duration::from_secs(2);

/// The URL of the database `postgres` on these servers.
fn url_of(servers: [&ScratchPg; 2]) -> String {
    let folders = servers.map(|server| server.folder().display().to_string());
    format!("postgres://postgres@localhost/postgres?host={}", folders.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_all_standbys_are_named_and_asked_again_until_one_is_promoted() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let auth = Server::start(auth_server(&primary.url("postgres")));
    auth.register().await;
    let (_, token) = auth.sign_in().await;
    let standbys = [(); 2].map(|()| primary.streaming_standby(Profile::Durable).unwrap());
    let url = url_of([&standbys[0], &standbys[1]]);
    let named = standbys
        .each_ref()
        .map(|standby| format!("{}/.s.PGSQL.5432 is a standby", standby.folder().display()));
    drop(auth);
    primary.shut_down().unwrap();

    // With AUTO_MIGRATE=on it waits for its database, with off it serves without it.
    let mut waiting = Running::start(auth_server(&url));
    waiting.wait_for("waiting for the database");
    let mut command = auth_server(&url);
    command.env("AUTO_MIGRATE", "off");
    let auth = Server::start(command);
    assert_eq!(readiness(&auth).await.0, 503);
    assert_eq!(refresh(&auth, &token).await, 503);
    let checked = run(auth_server(&url), &["check"], "");
    assert_eq!(checked.status.code(), Some(1));
    let checked = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    for output in [waiting.output(), auth.running.output(), checked] {
        for name in &named {
            assert!(output.contains(name) && output.contains("promote a standby"), "{name}: {output}");
        }
    }

    assert_eq!(psql(&standbys[1].url("postgres"), "select pg_promote()"), "t");
    let took = until(200, async || readiness(&auth).await.0).await;
    assert!(took < RECOVERY, "{took:?}: {}", auth.running.output());
    waiting.wait_for("listens on ");
    assert_eq!(refresh(&auth, &token).await, 200);
}

/// One host with the same requirement.
#[tokio::test]
async fn a_single_standby_is_refused_with_target_session_attrs() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let standby = primary.streaming_standby(Profile::Durable).unwrap();
    let url = format!("{}&target_session_attrs=read-write", standby.url("postgres"));
    let checked = run(auth_server(&url), &["check"], "");
    let checked = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(checked.contains(".s.PGSQL.5432 is a standby"), "{checked}");
}
