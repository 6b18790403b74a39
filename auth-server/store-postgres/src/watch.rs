//! Looks for a promotion that the connections to the old primary do not show: it may be cut off from its standbys and
//! still answer reads.

use std::collections::HashMap;
use std::time::Duration;

use auth_store::Pool;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Error, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection::PostgresServer;
use crate::hosts::SessionAttrs;
use crate::primary::Role;
use crate::probe::{ask, connect_and_ask};

/// How often each host beside the primary is asked.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// How often each is asked while another host may be the primary.
const SEARCH_INTERVAL: Duration = Duration::from_millis(200);

/// Asks the other hosts again and again, each on one connection that stays open, until the pool is closed. When one of
/// them was promoted after the primary, closes all connections to that.
pub(crate) async fn watch(pool: Pool<PostgresServer>) {
    let servers = pool.connector().servers();
    let mut sessions: HashMap<usize, PgConnection> = HashMap::new();
    while !pool.is_closed() {
        sleep(if servers.is_doubted() { SEARCH_INTERVAL } else { WATCH_INTERVAL }).await;
        let mut asking = JoinSet::new();
        for (host, options) in servers.others() {
            let session = sessions.remove(&host);
            asking.spawn(async move { (host, timeout(WATCH_INTERVAL, look(&options, session)).await) });
        }
        sessions.clear();
        while let Some(answered) = asking.join_next().await {
            let Ok((host, Ok(Ok((session, role))))) = answered else { continue };
            if servers.is_outdated_by(role) {
                let host = servers.address(Some(host));
                tracing::warn!(%host, "a standby was promoted; leaving the old primary");
                pool.abandon();
            }
            sessions.insert(host, session);
        }
    }
}

async fn look(
    options: &PgConnectOptions,
    session: Option<PgConnection>,
) -> Result<(PgConnection, Role), Error> {
    match session {
        Some(mut session) => ask(&mut session).await.map(|role| (session, role)),
        None => connect_and_ask(options, SessionAttrs::ReadWrite).await,
    }
}
