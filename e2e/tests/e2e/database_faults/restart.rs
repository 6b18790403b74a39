//! Postgres restarts while the pool is full of idle connections.

use scratch_pg::{Profile, ScratchPg};

use super::{psql, refresh, sessions};
use crate::programs::{Server, auth_server};

const CONNECTIONS: &str = "select count(*) from pg_stat_activity where application_name = 'goptri'";

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_with_a_full_pool_fails_at_most_one_request() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let url = postgres.url("postgres");
    let auth = Server::start(auth_server(&url));
    let tokens = sessions(&auth, 1).await;
    let (access, _) = auth.sign_in().await;
    for _ in 0..20 {
        futures_util::future::join_all((0..64).map(|_| auth.get("/sessions", &access))).await;
    }
    let open: u32 = psql(&url, CONNECTIONS).parse().unwrap();
    assert!(open > 8, "only {open} connections are open");

    postgres.shut_down().unwrap();
    postgres.restart().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..16 {
        statuses.push(auth.get("/sessions", &access).await.status().as_u16());
        statuses.push(refresh(&auth, &tokens[0]).await);
    }
    let failed = statuses.iter().filter(|status| **status != 200).count();
    assert!(failed <= 1, "{statuses:?}\n{}", auth.running.output());
}
