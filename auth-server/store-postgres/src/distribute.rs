//! Distributes the tables with Citus: the data of a user on one node, small tables on every node.
//!
//! No text here is checked at compile time, because a build has no Citus.

use async_trait::async_trait;
use auth_store::{Distribution, DistributionPlan, Layout, Maintenance, Placement, StoreError, TablePlan};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::citus_check::{Unfit, check_database, check_no_servers, check_nodes};
use crate::migrations::is_up_to_date;

/// Where the rows of each table belong. `users` comes before the tables whose rows are stored beside its own.
const TABLES: [(&str, Placement); 8] = [
    ("_sqlx_migrations", Placement::Everywhere),
    ("database_id", Placement::Everywhere),
    ("email_key_version", Placement::Everywhere),
    ("users", Placement::By("id")),
    ("sessions", Placement::By("user_id")),
    ("revocations", Placement::By("user_id")),
    ("emails", Placement::By("email_key")),
    ("write_probe", Placement::EachItsOwn),
];

/// How Citus manages each table.
const MANAGED: &str = "
    select t.name, to_regclass(t.name) is not null as exists, p.logicalrelid is not null as managed,
           p.repmodel = 't' as reference,
           case when p.partmethod = 'h' then column_to_column_name(p.logicalrelid, p.partkey) end as by
    from unnest($1::text[]) t (name)
    left join pg_catalog.pg_dist_partition p on p.logicalrelid = to_regclass(t.name)";

/// On each node. In the schema in which the tables of this connection are.
const COUNT_PROBES: &str = "
    select count(*) filter (where result = 't') = count(*) from run_command_on_all_nodes(
        format('select to_regclass(%L) is not null', format('%I.write_probe', current_schema())))";

/// The table of the migration 0005. A node knows no tables that are not distributed, so Citus must not create it.
const CREATE_PROBES: &str = "
    select bool_and(success) from run_command_on_all_nodes(format(
        'set citus.enable_ddl_propagation = off;
         create table if not exists %I.write_probe (
             only_row boolean primary key default true check (only_row),
             probed_at timestamptz not null
         )', current_schema()))";

/// Tables with foreign keys to each other are distributed on one connection to each node.
const SETTINGS: &str =
    "set local citus.multi_shard_modify_mode = 'sequential'; set local client_min_messages = warning";

/// How Citus manages a table.
#[derive(sqlx::FromRow)]
struct TableState {
    name: String,
    /// A table of a migration that is still missing does not.
    exists: bool,
    managed: bool,
    reference: Option<bool>,
    by: Option<String>,
}

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
        if plan.tables.iter().any(|table| !table.done && table.placement != Placement::EachItsOwn) {
            let own = self.connections().open;
            check_no_servers(connection, own).await.map_err(|unfit| self.unfit(unfit))?;
            move_tables(connection, &plan).await.map_err(|error| self.pool.error(error))?;
            self.known_layout.forget();
        }
        create_probes(connection).await.map_err(|error| self.pool.error(error))?;
        Ok(plan)
    }

    /// What is to be done, in a database that can be distributed.
    async fn plan(&self, connection: &mut PgConnection) -> Result<DistributionPlan, StoreError> {
        check_database(connection).await.map_err(|unfit| self.unfit(unfit))?;
        if !is_up_to_date(connection).await {
            return Err(self.unfit(Unfit::NotMigrated));
        }
        let nodes = check_nodes(connection).await.map_err(|unfit| self.unfit(unfit))?;
        let tables = table_plans(connection).await.map_err(|unfit| self.unfit(unfit))?;
        Ok(DistributionPlan { nodes, tables })
    }

    fn unfit(&self, unfit: Unfit) -> StoreError {
        let kind = match unfit {
            Unfit::Database(error) => return self.pool.error(error),
            Unfit::NotMigrated => StoreError::NotMigrated,
            Unfit::Unreachable(_) => StoreError::Unavailable,
            _ => StoreError::Unsuitable,
        };
        match self.pool.unsuitable(unfit) {
            StoreError::Unsuitable(described) => kind(described),
            other => other,
        }
    }
}

/// What is to be done for each table.
async fn table_plans(connection: &mut PgConnection) -> Result<Vec<TablePlan>, Unfit> {
    let probes: bool = sqlx::query_scalar(COUNT_PROBES).fetch_one(&mut *connection).await?;
    let managed = managed(connection).await?;
    let plan = |(table, placement)| {
        let found = managed.iter().find(|managed| managed.name == table);
        let done = match (placement, found) {
            (Placement::EachItsOwn, _) => probes,
            (_, Some(found)) => is_done(table, placement, found)?,
            (_, None) => false,
        };
        Ok(TablePlan { table, placement, done })
    };
    TABLES.into_iter().map(plan).collect()
}

/// The first table that is not where it belongs, as far as this node knows.
pub(crate) async fn misplaced(connection: &mut PgConnection) -> Result<Option<&'static str>, Error> {
    let managed = managed(connection).await?;
    let is_misplaced = |(table, placement): &(&'static str, Placement)| {
        managed.iter().any(|found| {
            found.name == *table
                && match placement {
                    // A node that was added later has none.
                    Placement::EachItsOwn => !found.exists,
                    _ => found.exists && !matches!(is_done(table, *placement, found), Ok(true)),
                }
        })
    };
    Ok(TABLES.into_iter().find(is_misplaced).map(|(table, _)| table))
}

async fn managed(connection: &mut PgConnection) -> Result<Vec<TableState>, Error> {
    let names: Vec<_> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
    sqlx::query_as(MANAGED).bind(&names).fetch_all(connection).await
}

/// Whether the rows of a table are where they belong.
fn is_done(table: &'static str, wanted: Placement, found: &TableState) -> Result<bool, Unfit> {
    let by = found.by.as_deref();
    match wanted {
        _ if !found.managed => Ok(false),
        Placement::By(column) if by == Some(column) => Ok(true),
        Placement::Everywhere if found.reference == Some(true) => Ok(true),
        Placement::By(_) | Placement::Everywhere | Placement::EachItsOwn => {
            let found = match by {
                Some(column) => format!("distributed by {column}"),
                None if found.reference == Some(true) => "a reference table".to_owned(),
                None => "managed by Citus on one node".to_owned(),
            };
            Err(Unfit::Misplaced { table, found })
        }
    }
}

/// In one transaction, so that no failure leaves a part of the tables distributed. The database gets another id:
/// cursors of the feed from before mean nothing any more.
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
            Placement::EachItsOwn => continue,
        };
        sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    // The rows from before, which no statement sees any more.
    for (table, _) in TABLES.iter().filter(|(_, placement)| matches!(placement, Placement::By(_))) {
        let call = format!("select truncate_local_data_after_distributing_table('{table}')");
        sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The rows of a user are on one node, so that what ends the user's sessions commits there.
fn colocated_with(table: &str) -> &'static str {
    match table {
        "sessions" | "revocations" => "users",
        _ => "none",
    }
}

async fn create_probes(connection: &mut PgConnection) -> Result<(), Error> {
    let created: bool = sqlx::query_scalar(CREATE_PROBES).fetch_one(connection).await?;
    if created {
        Ok(())
    } else {
        Err(Error::Protocol("a node did not create the table write_probe".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(managed: bool, reference: bool, by: Option<&str>) -> TableState {
        TableState {
            name: "sessions".into(),
            exists: true,
            managed,
            reference: managed.then_some(reference),
            by: by.map(Into::into),
        }
    }

    #[test]
    fn a_table_that_is_placed_otherwise_is_an_error() {
        let by_user = Placement::By("user_id");
        assert!(matches!(is_done("sessions", by_user, &found(false, false, None)), Ok(false)));
        assert!(matches!(is_done("sessions", by_user, &found(true, false, Some("user_id"))), Ok(true)));
        assert!(matches!(is_done("database_id", Placement::Everywhere, &found(true, true, None)), Ok(true)));
        for (wanted, found, words) in [
            (by_user, found(true, false, Some("id")), "distributed by id"),
            (by_user, found(true, true, None), "a reference table"),
            (by_user, found(true, false, None), "managed by Citus on one node"),
            (Placement::Everywhere, found(true, false, Some("id")), "distributed by id"),
        ] {
            let error = is_done("sessions", wanted, &found).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("undistribute_table('sessions'"), "{error}");
        }
    }

    #[test]
    fn every_table_whose_key_begins_with_the_user_is_beside_the_user() {
        for (table, placement) in TABLES {
            let beside = placement == Placement::By("user_id");
            assert_eq!(colocated_with(table) == "users", beside, "{table}");
        }
    }
}
