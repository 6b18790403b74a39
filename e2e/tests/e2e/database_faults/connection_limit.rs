//! The server grants fewer connections than the pool wants.

use scratch_pg::{Profile, ScratchPg};

use super::{psql, refresh_all, sessions};
use crate::programs::{Server, auth_server};

#[tokio::test(flavor = "multi_thread")]
async fn every_client_is_served_with_the_eight_connections_that_the_role_may_open() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let url = postgres.url("postgres");
    psql(&url, "create role app login connection limit 8; grant create on schema public to app");
    let auth = Server::start(auth_server(&url.replace("postgres@", "app@")));
    let tokens = sessions(&auth, 24).await;
    let (access, _) = auth.sign_in().await;
    for _ in 0..10 {
        assert_eq!(refresh_all(&auth, &tokens).await, [200; 24], "{}", auth.running.output());
        let lists = (0..24).map(|_| auth.get("/sessions", &access));
        for answer in futures_util::future::join_all(lists).await {
            assert_eq!(answer.status(), 200, "{}", auth.running.output());
        }
    }
}
