//! The connections outlive the runtime of whoever asked first.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::thread;

use auth_store::{Maintenance, Users};
use scratch_pg::Database;
use store_postgres::PostgresStore;
use tokio::runtime::{Builder, Runtime};

#[test]
fn a_connection_that_one_worker_opened_serves_the_next_after_that_worker_is_gone() {
    let main = worker();
    let database = main.block_on(Database::fresh());
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    main.block_on(store.migrate()).unwrap();
    for _ in 0..3 {
        let store = store.clone();
        let asked = thread::spawn(move || worker().block_on(ask_and_give_back(&store)));
        asked.join().unwrap();
    }
    main.block_on(store.close());
}

async fn ask_and_give_back(store: &PostgresStore) {
    assert!(store.list_users(None, 1).await.unwrap().is_empty());
    while !format!("{store:?}").contains("idle: 1") {
        tokio::task::yield_now().await;
    }
}

/// A runtime such as each worker of a web server has.
fn worker() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
