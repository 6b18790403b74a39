//! Which statements a database carries out, counted by Postgres itself.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection};

use crate::Database;

const ALL: &str = "select query, sum(calls)::bigint from pg_stat_statements
                   where dbid = (select oid from pg_database where datname = current_database())
                     and query not like '%pg_stat_statements%'
                   group by query";

impl Database {
    /// How often each statement was carried out in this database until now, transactions' `begin` and `commit` among
    /// them, and without this question itself.
    ///
    /// # Panics
    ///
    /// When the server does not count.
    pub async fn statements(&self) -> BTreeMap<String, i64> {
        let answer = async {
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
        match answer.await {
            Ok(counted) => counted.collect(),
            Err(error) => panic!(
                "this Postgres server does not count statements ({error}): it needs PostgreSQL's contrib modules, and one \
                 that TEST_DATABASE_URL names needs pg_stat_statements in its shared_preload_libraries besides"
            ),
        }
    }
}

/// What was carried out between two of those counts.
pub fn statements_between(
    before: &BTreeMap<String, i64>,
    after: BTreeMap<String, i64>,
) -> BTreeMap<String, i64> {
    let more = after.into_iter().map(|(query, calls)| {
        let earlier = before.get(&query).copied().unwrap_or_default();
        (query, calls - earlier)
    });
    more.filter(|(_, calls)| *calls > 0).collect()
}
