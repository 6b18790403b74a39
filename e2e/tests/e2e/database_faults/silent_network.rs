//! Something between auth-server and Postgres forgets idle connections: packets are swallowed, and no side gets an error.

use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};

use super::{refresh, relay, sessions};
use crate::programs::{Server, auth_server};

/// A connection is pinged before use when it was idle for longer than 10 s.
const IDLE: Duration = Duration::from_secs(11);

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_drops_idle_connections_silently_costs_one_caller_one_second() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let (relay, url) = relay(&postgres);
    let auth = Server::start(auth_server(&url));
    let tokens = sessions(&auth, 1).await;
    let (access, _) = auth.sign_in().await;
    for _ in 0..20 {
        futures_util::future::join_all((0..64).map(|_| auth.get("/sessions", &access))).await;
    }
    relay.lose_connections();
    tokio::time::sleep(IDLE).await;

    let mut slow = Vec::new();
    for _ in 0..16 {
        let began = Instant::now();
        assert_eq!(auth.get("/sessions", &access).await.status(), 200, "{}", auth.running.output());
        assert_eq!(refresh(&auth, &tokens[0]).await, 200);
        slow.extend(Some(began.elapsed()).filter(|took| *took > Duration::from_millis(500)));
    }
    assert!(slow.len() <= 1 && slow.iter().all(|took| *took < Duration::from_secs(2)), "{slow:?}");
}
