//! The plan of each statement reads one partition of each table, where tables are partitioned by user. It would then run
//! on one server of a database that is distributed by user.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::{BTreeMap, BTreeSet};

use auth_store::{Maintenance, RunningServers};
use scratch_pg::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use store_postgres::PostgresStore;

use super::committed::{Statement, statements};

const TABLES: [&str; 7] = ["users", "emails", "sessions", "revocations", "grants", "codes", "pushed"];

/// Parts of the statements that read several partitions: those that concern no particular user.
const OF_ALL_USERS: [(&str, &str); 17] = [
    ("sessions of a removed client", "select user_id, id, client_id = $1"),
    ("sweep of sessions", "from sessions where (user_id, id) > ($2, $3)"),
    ("sweep of codes, its end", "from codes where expires_at <= statement_timestamp()"),
    ("sweep of the feed, its end", "select expires_at as"),
    ("sweep of the feed", "delete from revocations where expires_at"),
    ("feed", "with c as"),
    ("feed by time", "from revocations where (created_at, user_id, kind, subject) >"),
    ("list of users", "disabled_at from users where id > $1 order by id"),
    ("search of users", "where strpos(email_key, $1) > 0"),
    ("list of addresses", "created_at from users where id > $1 order by id"),
    ("whether there are users", "select exists (select 1 from users)"),
    ("batch of refreshes", "with request as"),
    ("sweep of codes", "delete from codes where expires_at"),
    ("sweep of pushed requests, its end", "from pushed where created_at <= statement_timestamp()"),
    ("sweep of pushed requests", "delete from pushed where created_at"),
    ("codes of a removed client", "select user_id, code_hash from codes where client_id"),
    ("grants of a removed client", "select user_id from grants where client_id"),
];

/// A connection to a database whose tables are partitioned. Each execution has a plan of its own, which knows the values.
async fn partitioned() -> (Database, PgConnection) {
    let database = Database::fresh().await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    store.close().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(include_str!("../partitioned.sql")).execute(&mut connection).await.unwrap();
    sqlx::raw_sql("set plan_cache_mode = force_custom_plan").execute(&mut connection).await.unwrap();
    (database, connection)
}

/// The partitions of each table in the plan of a statement.
async fn partitions(
    connection: &mut PgConnection,
    statement: &Statement,
) -> BTreeMap<String, BTreeSet<String>> {
    let values: Vec<_> = statement.parameters.iter().map(|name| value(name)).collect();
    let arguments = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let prepare = format!("deallocate all; prepare checked as {}", statement.text);
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
    let explain = format!("explain (format json) execute checked{arguments}");
    let plan: Value = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(connection).await.unwrap().get(0);
    let mut found = BTreeMap::new();
    collect(&plan, &mut found);
    found
}

fn collect(plan: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, found)),
        Value::Object(node) => {
            let partition = node.get("Relation Name").and_then(Value::as_str).unwrap_or_default();
            if let Some((table, _)) = partition.rsplit_once('_').filter(|(table, _)| TABLES.contains(table)) {
                found.entry(table.to_owned()).or_default().insert(partition.to_owned());
            }
            node.values().for_each(|part| collect(part, found));
        }
        _ => {}
    }
}

/// A value of a parameter, by its type.
fn value(name: &str) -> String {
    if let Some(element) = name.strip_suffix("Array").or_else(|| name.strip_suffix("[]")) {
        return format!("array[{0}, {0}]", value(element));
    }
    match name {
        "Uuid" => "'01900000-0000-7000-8000-000000000001'::uuid",
        "Text" => "'1'::text",
        "Int8" => "1::bigint",
        "Bool" => "true",
        "Bytea" => r"'\x01'::bytea",
        "Interval" => "'1 second'::interval",
        "Timestamptz" => "'2030-01-01'::timestamptz",
        other => panic!("no value of the type {other}"),
    }
    .to_owned()
}

#[tokio::test]
async fn every_statement_reads_one_partition_of_each_table_except_those_of_all_users() {
    let (_database, mut connection) = partitioned().await;
    let mut read: BTreeSet<String> = BTreeSet::new();
    let mut of_all = BTreeSet::new();
    for statement in statements() {
        let plan = partitions(&mut connection, &statement).await;
        read.extend(plan.keys().cloned());
        let one_each = plan.values().all(|partitions| partitions.len() == 1);
        match OF_ALL_USERS.iter().find(|(_, part)| statement.text.contains(part)) {
            Some((name, _)) => {
                of_all.insert(*name);
                assert!(!one_each, "it reads one partition, so it is not an exception: {}", statement.text);
            }
            None => assert!(one_each, "it reads {plan:#?}: {}", statement.text),
        }
    }
    assert_eq!(read, TABLES.map(str::to_owned).into());
    assert_eq!(of_all.len(), OF_ALL_USERS.len(), "an exception is no statement any more: {of_all:?}");
}

/// Shows that the test above detects a statement that does not name the user.
#[tokio::test]
async fn a_statement_without_the_user_reads_all_partitions() {
    let (_database, mut connection) = partitioned().await;
    for (text, table) in [
        ("delete from sessions where id = $1", "sessions"),
        ("select id from users where email_key = $1::text", "users"),
        (
            "update sessions s set generation = 1 from users u where s.user_id = u.id and s.id = $1 and u.roles = '{}'",
            "users",
        ),
    ] {
        let parameters = vec![if text.contains("::text") { "Text" } else { "Uuid" }.to_owned()];
        let plan = partitions(&mut connection, &Statement { text: text.to_owned(), parameters }).await;
        assert_eq!(plan[table].len(), 4, "{text}: {plan:?}");
    }
}
