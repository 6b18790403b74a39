//! Where the rows of each table belong in a distributed database, and where they are.
//!
//! No text here is checked at compile time, because a build has no Citus.

use auth_store::{Placement, TablePlan};
use sqlx::{Error, PgConnection};

use crate::citus_check::CitusProblem;

/// Where the rows of each table belong. `users` comes before the tables whose rows are stored beside its own.
pub(crate) const TABLES: [(&str, Placement); 13] = [
    ("_sqlx_migrations", Placement::Everywhere),
    ("database_id", Placement::Everywhere),
    ("email_key_version", Placement::Everywhere),
    ("clients", Placement::Everywhere),
    ("scopes", Placement::Everywhere),
    ("users", Placement::By("id")),
    ("sessions", Placement::By("user_id")),
    ("revocations", Placement::By("user_id")),
    ("grants", Placement::By("user_id")),
    ("codes", Placement::By("user_id")),
    ("emails", Placement::By("email_key")),
    ("pushed", Placement::By("uri_hash")),
    ("write_probe", Placement::PerServer),
];

/// How Citus manages each table.
const MANAGED: &str = "
    select t.name, to_regclass(t.name) is not null as exists, p.logicalrelid is not null as managed,
           p.repmodel = 't' as reference,
           case when p.partmethod = 'h' then column_to_column_name(p.logicalrelid, p.partkey) end as by
    from unnest($1::text[]) t (name)
    left join pg_catalog.pg_dist_partition p on p.logicalrelid = to_regclass(t.name)";

/// Whether each node has the table `write_probe`, in the schema in which the tables of this connection are.
const HAS_PROBES: &str = "
    select count(*) filter (where result = 't') = count(*) from run_command_on_all_nodes(
        format('select to_regclass(%L) is not null', format('%I.write_probe', current_schema())))";

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

/// What is to be done for each table.
pub(crate) async fn table_plans(connection: &mut PgConnection) -> Result<Vec<TablePlan>, CitusProblem> {
    let probes: bool = sqlx::query_scalar(HAS_PROBES).fetch_one(&mut *connection).await?;
    let managed = managed(connection).await?;
    let plan = |(table, placement)| {
        let found = managed.iter().find(|managed| managed.name == table);
        let done = match (placement, found) {
            (Placement::PerServer, _) => probes,
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
                    Placement::PerServer => !found.exists,
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
fn is_done(table: &'static str, wanted: Placement, found: &TableState) -> Result<bool, CitusProblem> {
    let by = found.by.as_deref();
    match wanted {
        _ if !found.managed => Ok(false),
        Placement::By(column) if by == Some(column) => Ok(true),
        Placement::Everywhere if found.reference == Some(true) => Ok(true),
        Placement::By(_) | Placement::Everywhere | Placement::PerServer => {
            let found = match by {
                Some(column) => format!("distributed by {column}"),
                None if found.reference == Some(true) => "a reference table".to_owned(),
                None => "managed by Citus on one node".to_owned(),
            };
            Err(CitusProblem::Misplaced { table, found })
        }
    }
}

/// The rows of a user are on one node, so that what ends the user's sessions commits there.
pub(crate) fn colocated_with(table: &str) -> &'static str {
    match table {
        "sessions" | "revocations" | "grants" | "codes" => "users",
        _ => "none",
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
