//! A temporary Citus cluster: a coordinator and workers, reachable on loopback only.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use crate::database::{at, drop_database, execute, number};
use crate::server::{Network, Profile, ScratchPg};
use crate::{programs, unique};

/// The environment variable with the URLs of a cluster for tests, separated by blanks: the maintenance database of each
/// node, the coordinator first.
pub const TEST_CITUS_URLS: &str = "TEST_CITUS_URLS";

/// A running cluster. Its nodes stop, and their files are removed, on drop or when the owning process ends.
#[derive(Debug)]
pub struct CitusCluster {
    nodes: Vec<ScratchPg>,
}

impl CitusCluster {
    /// A coordinator without data and `workers` workers.
    ///
    /// # Errors
    ///
    /// As [`ScratchPg::start`]; if Citus is not installed, the message quotes the log of Postgres, which says so.
    pub fn start(profile: Profile, workers: usize) -> io::Result<Self> {
        let nodes = (0..=workers).map(|_| ScratchPg::start_on(profile, &citus_node()?));
        Ok(Self { nodes: nodes.collect::<io::Result<_>>()? })
    }

    /// The URL of the maintenance database of each node, the coordinator first.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url("postgres")).collect()
    }

    /// The coordinator is node 0.
    ///
    /// # Panics
    ///
    /// If there is no node with that number.
    pub fn node(&self, number: usize) -> &ScratchPg {
        &self.nodes[number]
    }
}

/// A free port. Another process may take it before the node does, which is unlikely.
fn citus_node() -> io::Result<Network> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let settings = [
        "citus.node_conninfo=sslmode=disable",
        // One for each database, and the workers of the planner.
        "max_worker_processes=100",
        // Few, because each test creates them. Two workers have four of each table.
        "citus.shard_count=8",
    ];
    Ok(Network {
        port,
        listens: true,
        preloaded: Some("citus"),
        settings: settings.map(str::to_owned).to_vec(),
    })
}

/// How often a node is added to a new database.
const ATTEMPTS: usize = 5;

/// An empty database on every node of a cluster, with the extension. It is dropped with this value.
#[derive(Debug)]
pub struct CitusDatabase {
    name: String,
    nodes: Vec<String>,
}

impl CitusDatabase {
    /// A new database on the cluster with these maintenance databases, the coordinator's first.
    ///
    /// # Panics
    ///
    /// If a node is not there or rejects a statement.
    pub async fn on(nodes: &[String]) -> Self {
        let database = Self { name: format!("goptri_test_{}", unique()), nodes: nodes.to_vec() };
        for node in nodes {
            run(node, format!("create database {} template template0", database.name)).await;
            run(&at_node(node, &database.name), "create extension citus".to_owned()).await;
        }
        let coordinator = database.url(0);
        for (place, node) in nodes.iter().enumerate() {
            let port = number(node, "select current_setting('port')::bigint").await;
            let call = if place == 0 { "citus_set_coordinator_host" } else { "citus_add_node" };
            add(&coordinator, format!("set client_min_messages = error; select {call}('127.0.0.1', {port})"))
                .await;
        }
        database
    }

    /// The URL of the database through a node; 0 is the coordinator.
    ///
    /// # Panics
    ///
    /// If there is no node with that number.
    pub fn url(&self, node: usize) -> String {
        at_node(&self.nodes[node], &self.name)
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Executes statements on the coordinator.
    ///
    /// # Panics
    ///
    /// If it rejects them.
    pub async fn execute(&self, statements: &str) {
        run(&self.url(0), statements.to_owned()).await;
    }

    /// The number that a query of the coordinator returns.
    ///
    /// # Panics
    ///
    /// If it returns none.
    pub async fn number(&self, query: &str) -> i64 {
        number(&self.url(0), query).await
    }
}

impl Drop for CitusDatabase {
    fn drop(&mut self) {
        for node in self.nodes.drain(..) {
            drop_database(self.name.clone(), node);
        }
    }
}

/// The nodes that [`TEST_CITUS_URLS`] names, if it is set.
pub fn named_cluster() -> Option<Vec<String>> {
    programs::variable(TEST_CITUS_URLS).map(|urls| urls.split_whitespace().map(str::to_owned).collect())
}

fn at_node(maintenance: &str, database: &str) -> String {
    at(maintenance, database).unwrap_or_else(|error| panic!("{TEST_CITUS_URLS} contains no URL: {error}"))
}

/// Citus sometimes loses its first connection to a node whose database is new ("failure on connection marked as
/// essential"), and then adds nothing.
async fn add(coordinator: &str, statements: String) {
    for _ in 1..ATTEMPTS {
        match execute(coordinator, statements.clone()).await {
            Ok(()) => return,
            Err(error) if error.to_string().contains("marked as essential") => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => panic!("{statements}: {error}"),
        }
    }
    run(coordinator, statements).await;
}

async fn run(url: &str, statements: String) {
    if let Err(error) = execute(url, statements.clone()).await {
        panic!("{statements}: {error}");
    }
}
