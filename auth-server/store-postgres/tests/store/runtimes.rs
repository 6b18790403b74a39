//! Connections outlive the runtime of the caller that opened them.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::thread;

use auth_store::{Maintenance, RunningServers, Users};
use scratch_pg::Database;
use store_postgres::PostgresStore;
use tokio::runtime::{Builder, Runtime};

#[test]
fn a_connection_outlives_the_worker_that_opened_it() {
    let main = worker();
    let database = main.block_on(Database::fresh());
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    main.block_on(store.migrate(RunningServers::Possible)).unwrap();
    for _ in 0..3 {
        let store = store.clone();
        let asked = thread::spawn(move || worker().block_on(use_connection(&store)));
        asked.join().unwrap();
    }
    main.block_on(store.close());
}

async fn use_connection(store: &PostgresStore) {
    assert!(store.list_users(None, 1).await.unwrap().is_empty());
    while !format!("{store:?}").contains("idle: 1") {
        tokio::task::yield_now().await;
    }
}

/// A runtime like that of a worker of a web server.
fn worker() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
