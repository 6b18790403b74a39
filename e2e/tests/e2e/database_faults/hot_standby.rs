//! The address of the database points at a hot standby, which answers reads and refuses writes.

use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};

use super::{psql, readiness, refresh, refresh_all, relay, sessions, sign_out, socket, until};
use crate::programs::{Server, auth_server};

/// From the moment at which the primary is back until writes work.
const RECOVERY: Duration = Duration::from_secs(2);

/// Connections to the standby stay open, as they do when a host name or an address has moved and moves back.
#[tokio::test(flavor = "multi_thread")]
async fn writes_work_within_two_seconds_after_the_address_pointed_at_a_hot_standby() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let (relay, url) = relay(&primary);
    let auth = Server::start(auth_server(&url));
    let tokens = sessions(&auth, 8).await;
    let standby = primary.streaming_standby(Profile::Durable).unwrap();

    relay.move_to(socket(&standby));
    let began = Instant::now();
    until(503, async || readiness(&auth).await.0).await;
    assert!(readiness(&auth).await.1.contains("commits no writes"), "{:?}", readiness(&auth).await);
    while began.elapsed() < Duration::from_secs(4) {
        assert!(refresh_all(&auth, &tokens).await.iter().all(|status| *status == 503));
    }
    relay.send_new_connections_to(socket(&primary));
    let began = Instant::now();
    until(200, async || refresh(&auth, &tokens[0]).await).await;
    until(204, async || sign_out(&auth, &tokens[1]).await).await;
    until(200, async || readiness(&auth).await.0).await;
    assert!(began.elapsed() < RECOVERY, "{:?}: {}", began.elapsed(), auth.running.output());
    assert_eq!(refresh_all(&auth, &tokens[2..]).await, [200; 6]);
    auth.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_work_within_two_seconds_after_a_standby_was_promoted() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let (relay, url) = relay(&primary);
    let auth = Server::start(auth_server(&url));
    let standby = primary.streaming_standby(Profile::Durable).unwrap();
    let tokens = sessions(&auth, 4).await;
    assert_eq!(sign_out(&auth, &tokens[3]).await, 204);

    // A planned switch-over: the standby receives everything before the primary ends.
    primary.shut_down().unwrap();
    relay.move_to(socket(&standby));
    until(503, async || readiness(&auth).await.0).await;
    assert_eq!(psql(&standby.url("postgres"), "select pg_promote()"), "t");
    let took = until(200, async || refresh(&auth, &tokens[0]).await).await;
    assert!(took < RECOVERY, "{took:?}: {}", auth.running.output());
    assert_eq!(refresh_all(&auth, &tokens[..3]).await, [200; 3], "no session is lost");
    assert_eq!(refresh(&auth, &tokens[3]).await, 400, "the sign-out is not lost");
    until(200, async || readiness(&auth).await.0).await;
}
