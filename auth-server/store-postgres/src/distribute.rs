//! Distributes the tables with Citus: the data of a user on one node, small tables on every node.
//!
//! No text here is checked at compile time, because a build has no Citus.

use async_trait::async_trait;
use auth_store::{Distribution, DistributionPlan, Layout, Maintenance, Placement, StoreError, TablePlan};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::citus_check::{CitusProblem, check_database, check_no_servers, check_nodes};
use crate::migrations::is_up_to_date;
use crate::placement::{TABLES, colocated_with, table_plans};

/// Creates the table of migration 0005 on each node. Without propagation: each node has this table for itself.
const CREATE_PROBES: &str = "
    select bool_and(success) from run_command_on_all_nodes(format(
        'set citus.enable_ddl_propagation = off;
         create table if not exists %I.write_probe (
             only_row boolean primary key default true check (only_row),
             probed_at timestamptz not null
         )', current_schema()))";

/// Makes Citus distribute tables with foreign keys to each other on one connection to each node.
const SETTINGS: &str =
    "set local citus.multi_shard_modify_mode = 'sequential'; set local client_min_messages = warning";

#[async_trait]
impl Distribution for PostgresStore {
    async fn layout(&self) -> Result<Layout, StoreError> {
        self.find_layout(&self.background_pool).await
    }

    async fn plan_distribution(&self) -> Result<DistributionPlan, StoreError> {
        let mut connection = self.pool.connect().await?;
        let plan = self.plan(&mut connection).await;
        let _ = connection.close().await;
        plan
    }

    async fn distribute(&self) -> Result<DistributionPlan, StoreError> {
        // Outside the pool, because moving rows may take longer than a verb.
        let mut connection = self.pool.connect().await?;
        let done = self.distribute_on(&mut connection).await;
        let _ = connection.close().await;
        done
    }
}

impl PostgresStore {
    async fn distribute_on(&self, connection: &mut PgConnection) -> Result<DistributionPlan, StoreError> {
        let plan = self.plan(connection).await?;
        if plan.tables.iter().all(|table| table.done) {
            return Ok(plan);
        }
        if plan.tables.iter().any(|table| !table.done && table.placement != Placement::PerServer) {
            let own = self.connections().open;
            check_no_servers(connection, own).await.map_err(|problem| self.citus_error(problem))?;
            move_tables(connection, &plan).await.map_err(|error| self.pool.error(error))?;
            self.known_layout.forget();
        }
        create_probes(connection).await.map_err(|error| self.pool.error(error))?;
        Ok(plan)
    }

    /// What is to be done. Fails if the database cannot be distributed.
    async fn plan(&self, connection: &mut PgConnection) -> Result<DistributionPlan, StoreError> {
        check_database(connection).await.map_err(|problem| self.citus_error(problem))?;
        if !is_up_to_date(connection).await {
            return Err(self.citus_error(CitusProblem::NotMigrated));
        }
        let nodes = check_nodes(connection).await.map_err(|problem| self.citus_error(problem))?;
        let tables = table_plans(connection).await.map_err(|problem| self.citus_error(problem))?;
        Ok(DistributionPlan { nodes, tables })
    }

    fn citus_error(&self, problem: CitusProblem) -> StoreError {
        let kind = match problem {
            CitusProblem::Database(error) => return self.pool.error(error),
            CitusProblem::NotMigrated => StoreError::NotMigrated,
            CitusProblem::Unreachable(_) => StoreError::Unavailable,
            _ => StoreError::Unsuitable,
        };
        kind(self.pool.with_address(problem))
    }
}

/// Distributes the tables in one transaction, so that no failure leaves a part of them distributed. Gives the database
/// another id, because it does not understand earlier cursors of the feed any more.
async fn move_tables(connection: &mut PgConnection, plan: &DistributionPlan) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(SETTINGS).execute(&mut *transaction).await?;
    let id: Uuid = sqlx::query_scalar("select gen_random_uuid()").fetch_one(&mut *transaction).await?;
    sqlx::query("update database_id set id = $1").bind(id).execute(&mut *transaction).await?;
    for TablePlan { table, placement, .. } in plan.tables.iter().filter(|table| !table.done) {
        let call = match placement {
            Placement::Everywhere => format!("select create_reference_table('{table}')"),
            Placement::By(column) => format!(
                "select create_distributed_table('{table}', '{column}', colocate_with => '{}')",
                colocated_with(table)
            ),
            Placement::PerServer => continue,
        };
        sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    // Deletes the local copies of the rows, which no statement sees any more.
    for (table, _) in TABLES.iter().filter(|(_, placement)| matches!(placement, Placement::By(_))) {
        let call = format!("select truncate_local_data_after_distributing_table('{table}')");
        sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn create_probes(connection: &mut PgConnection) -> Result<(), Error> {
    let created: bool = sqlx::query_scalar(CREATE_PROBES).fetch_one(connection).await?;
    if created {
        Ok(())
    } else {
        Err(Error::Protocol("a node did not create the table write_probe".to_owned()))
    }
}
