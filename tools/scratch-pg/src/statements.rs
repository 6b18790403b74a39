//! Counts the statements that a database executes, with `pg_stat_statements`.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection};

use crate::Database;

const ALL: &str = "select query, sum(calls)::bigint from pg_stat_statements
                   where dbid = (select oid from pg_database where datname = current_database())
                     and query not like '%pg_stat_statements%'
                   group by query";

impl Database {
    /// How often each statement was executed in this database so far, `begin` and `commit` included, this query excluded.
    ///
    /// # Panics
    ///
    /// If `pg_stat_statements` is not available.
    pub async fn statements(&self) -> BTreeMap<String, i64> {
        let result = async {
            let mut connection = PgConnection::connect(self.url()).await?;
            sqlx::raw_sql(
                "set client_min_messages = error; create extension if not exists pg_stat_statements",
            )
            .execute(&mut connection)
            .await?;
            let counted: Vec<(String, i64)> = sqlx::query_as(ALL).fetch_all(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(
                counted.into_iter().filter(|(query, _)| !query.starts_with("set client_min")),
            )
        };
        match result.await {
            Ok(counted) => counted.collect(),
            Err(error) => panic!(
                "this Postgres server does not count statements ({error}): install PostgreSQL's contrib modules; for the \
                 server in TEST_DATABASE_URL, add pg_stat_statements to shared_preload_libraries"
            ),
        }
    }
}

/// The statements executed between two counts.
pub fn statements_between(
    before: &BTreeMap<String, i64>,
    after: BTreeMap<String, i64>,
) -> BTreeMap<String, i64> {
    let difference = after.into_iter().map(|(query, calls)| {
        let earlier = before.get(&query).copied().unwrap_or_default();
        (query, calls - earlier)
    });
    difference.filter(|(_, calls)| *calls > 0).collect()
}
