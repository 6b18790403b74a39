//! What must hold before the tables can be distributed. Each problem has a remedy.

use sqlx::{Error, PgConnection, Row};

/// Whether the database has the extension, in any schema.
const HAS_CITUS: &str = "select exists (select from pg_catalog.pg_extension where extname = 'citus')";

/// Whether this server is the coordinator. Fails without the extension.
const IS_COORDINATOR: &str =
    "select coalesce((select groupid = 0 from pg_catalog.pg_dist_local_group), true)";

/// Why the tables cannot be distributed. Displays the cause and a remedy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CitusProblem {
    #[error(transparent)]
    Database(#[from] Error),
    #[error(
        "the extension citus is not installed in this database; run `create extension citus` in it, on every node"
    )]
    NoExtension,
    #[error("this server is a worker; set DATABASE_URL to the coordinator")]
    NotCoordinator,
    #[error("the tables of this program are missing or older")]
    NotMigrated,
    #[error(
        "the coordinator is not in pg_dist_node; run `select citus_set_coordinator_host('HOST', PORT)` on it"
    )]
    NoCoordinatorEntry,
    #[error("no node may hold data; add one with `select citus_add_node('HOST', PORT)`")]
    NoNodes,
    #[error(
        "not every node can be reached: {0}; start it and allow the coordinator to connect, or remove it with `select \
         citus_remove_node('HOST', PORT)`"
    )]
    Unreachable(String),
    #[error(
        "{0} other sessions of this program use it; stop all auth-servers first, because they would wait for their \
         tables"
    )]
    ServersRun(i64),
    #[error(
        "the table {table} is {found}, which is not how auth-server needs it; run `select \
         undistribute_table('{table}', cascade_via_foreign_keys => true)`, then this command again"
    )]
    Misplaced { table: &'static str, found: String },
}

/// Fails unless the database has the extension and this server is the coordinator.
pub(crate) async fn check_database(connection: &mut PgConnection) -> Result<(), CitusProblem> {
    if !has_citus(connection).await? {
        return Err(CitusProblem::NoExtension);
    }
    if is_true(connection, IS_COORDINATOR).await? { Ok(()) } else { Err(CitusProblem::NotCoordinator) }
}

/// Whether this server is a worker: a migration here would create tables that the other nodes do not know.
pub(crate) async fn is_worker(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(has_citus(connection).await? && !is_true(connection, IS_COORDINATOR).await?)
}

/// Whether the database has the extension.
pub(crate) async fn has_citus(connection: &mut PgConnection) -> Result<bool, Error> {
    is_true(connection, HAS_CITUS).await
}

/// The result of a question. The text is not checked at compile time, because a build has no Citus.
pub(crate) async fn is_true(connection: &mut PgConnection, question: &'static str) -> Result<bool, Error> {
    sqlx::raw_sql(question).fetch_one(connection).await?.try_get(0)
}

/// The nodes that hold data. Fails if a node does not answer.
pub(crate) async fn check_nodes(connection: &mut PgConnection) -> Result<Vec<String>, CitusProblem> {
    let nodes: Vec<(String, bool, bool)> = sqlx::query_as(
        "select nodename || ':' || nodeport, groupid = 0, shouldhaveshards from pg_dist_node
         where noderole = 'primary' order by nodename, nodeport",
    )
    .fetch_all(&mut *connection)
    .await?;
    if !nodes.iter().any(|(_, coordinator, _)| *coordinator) {
        return Err(CitusProblem::NoCoordinatorEntry);
    }
    // An inactive node is not asked, and a node without an answer is no error of the query.
    let silent: Option<String> = sqlx::query_scalar(
        "select string_agg(n.nodename || ':' || n.nodeport || coalesce(' (' || a.result || ')', ' (inactive)'), ', ')
         from pg_dist_node n left join run_command_on_all_nodes('select 1') a using (nodeid)
         where n.noderole = 'primary' and a.success is distinct from true",
    )
    .fetch_one(connection)
    .await?;
    if let Some(silent) = silent {
        return Err(CitusProblem::Unreachable(silent));
    }
    let holding: Vec<_> = nodes.into_iter().filter(|(.., holds)| *holds).map(|(name, ..)| name).collect();
    if holding.is_empty() { Err(CitusProblem::NoNodes) } else { Ok(holding) }
}

/// Fails if sessions of this program use the database, besides the `own` ones of this store.
pub(crate) async fn check_no_servers(connection: &mut PgConnection, own: u32) -> Result<(), CitusProblem> {
    let others: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
           and application_name = current_setting('application_name')",
    )
    .fetch_one(connection)
    .await?;
    match others - i64::from(own) {
        ..=0 => Ok(()),
        servers => Err(CitusProblem::ServersRun(servers)),
    }
}
