//! Several hosts, none of which is a primary at the moment.

use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};

use crate::database_faults::{psql, readiness, refresh, until};
use crate::programs::{Running, Server, TIMEOUT, auth_server, run};

/// From the promotion until the server is ready.
const RECOVERY: Duration = Duration::from_secs(2);

/// The URL of the database `postgres` on these servers.
pub(super) fn url_of(servers: [&ScratchPg; 2]) -> String {
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

/// The watch for promotions has begun although it had no primary to begin with. The first one promoted answers all the
/// time, so that no error shows the second promotion.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_without_a_primary_follows_each_promotion_without_a_restart() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let auth = Server::start(auth_server(&primary.url("postgres")));
    auth.register().await;
    drop(auth);
    let standbys = [(); 2].map(|()| primary.streaming_standby(Profile::Durable).unwrap());
    // So that both receive the last record, and one can follow the other.
    holds(&primary, "select count(*) = 2 from pg_stat_replication where state = 'streaming'").await;
    primary.shut_down().unwrap();
    let mut command = auth_server(&url_of([&standbys[0], &standbys[1]]));
    command.env("AUTO_MIGRATE", "off");
    let mut auth = Server::start(command);
    assert_eq!(readiness(&auth).await.0, 503);

    let [second, first] = standbys.each_ref().map(|standby| standby.url("postgres"));
    assert_eq!(psql(&first, "select pg_promote()"), "t");
    let took = until(200, async || readiness(&auth).await.0).await;
    assert!(took < RECOVERY, "{took:?}: {}", auth.running.output());
    let _ = auth.sign_in().await;
    follow(&standbys[0], &standbys[1]).await;

    assert_eq!(psql(&second, "select pg_promote()"), "t");
    auth.running.wait_for("a standby was promoted; leaving the old primary");
    let _ = auth.sign_in().await;
    let sessions = "select count(*) from sessions";
    assert_eq!([psql(&first, sessions), psql(&second, sessions)], ["1", "2"], "{}", auth.running.output());
}

/// Lets a standby receive everything from another server, and waits until it does.
async fn follow(standby: &ScratchPg, primary: &ScratchPg) {
    let source = format!("host={} user=postgres", primary.folder().display());
    psql(&standby.url("postgres"), &format!("alter system set primary_conninfo = '{source}'"));
    psql(&standby.url("postgres"), "select pg_reload_conf()");
    let written = psql(&primary.url("postgres"), "select pg_current_wal_lsn()");
    holds(standby, &format!("select pg_last_wal_replay_lsn() >= '{written}'")).await;
}

/// Waits until a server says so.
async fn holds(server: &ScratchPg, condition: &str) {
    let began = Instant::now();
    while psql(&server.url("postgres"), condition) != "t" {
        assert!(began.elapsed() < TIMEOUT, "not {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
