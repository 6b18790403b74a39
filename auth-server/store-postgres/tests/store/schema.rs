//! Both engines have the same schema, and it allows HOT updates.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::collections::BTreeSet;

use scratch_pg::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

/// A table, its column, whether the column is nullable, and its type on SQLite.
type Column = (String, String, bool, String);

/// A table and the columns that are unique together.
type Unique = (String, Vec<String>);

/// A table, its column, the referenced table, and the action on deletion.
type Reference = (String, String, String, String);

/// The cursor of the feed. On SQLite one connection writes at a time, so rows have a number.
const ONLY_ON_POSTGRES: (&str, &str) = ("revocations", "tx");
const ONLY_ON_SQLITE: (&str, &str) = ("revocations", "seq");

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let (_database, postgres) = postgres().await;
    let sqlite = sqlite().await;
    let without = |mut columns: BTreeSet<Column>, other: (&str, &str)| {
        let before = columns.len();
        columns.retain(|(table, column, ..)| (table.as_str(), column.as_str()) != other);
        assert_eq!(columns.len(), before - 1);
        columns
    };
    let columns = without(postgres_columns(&postgres).await, ONLY_ON_POSTGRES);
    assert!(columns.len() > 20, "{columns:?}");
    assert_eq!(columns, without(sqlite_columns(&sqlite).await, ONLY_ON_SQLITE));
}

#[tokio::test]
async fn both_engines_have_the_same_keys() {
    let (_database, postgres) = postgres().await;
    let sqlite = sqlite().await;
    let uniques = postgres_uniques(&postgres).await;
    assert!(
        uniques.contains(&("sessions".to_owned(), vec!["user_id".to_owned(), "id".to_owned()])),
        "{uniques:?}"
    );
    let mut of_sqlite = sqlite_uniques(&sqlite).await;
    assert!(of_sqlite.remove(&(ONLY_ON_SQLITE.0.to_owned(), vec![ONLY_ON_SQLITE.1.to_owned()])));
    assert_eq!(uniques, of_sqlite);
    let references = postgres_references(&postgres).await;
    assert_eq!(references.len(), 1, "{references:?}");
    assert_eq!(references, sqlite_references(&sqlite).await);
}

/// Otherwise Citus could not distribute the table by user.
#[tokio::test]
async fn every_key_of_a_table_with_users_begins_with_the_user() {
    let (_database, postgres) = postgres().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.columns
         where table_schema = 'public' and column_name = 'user_id' and table_name <> 'emails'",
    )
    .fetch_all(&postgres)
    .await
    .unwrap();
    assert!(tables.len() >= 2, "{tables:?}");
    for (table, columns) in postgres_uniques(&postgres).await {
        if tables.contains(&table) {
            assert_eq!(columns[0], "user_id", "{table}: {columns:?}");
        }
    }
}

/// With two ids, each read of the feed would return all rows twice.
#[tokio::test]
async fn a_database_has_one_id() {
    let (_database, postgres) = postgres().await;
    let sqlite = sqlite().await;
    for only_row in [true, false] {
        let another = "insert into database_id (only_row, id) values ($1, gen_random_uuid())";
        assert!(sqlx::query(another).bind(only_row).execute(&postgres).await.is_err(), "{only_row}");
        let another = "insert into database_id (only_row, id) values (?1, randomblob(16))";
        assert!(sqlx::query(another).bind(only_row).execute(&sqlite).await.is_err(), "{only_row}");
    }
}

/// Keys of users who are stored already are those of earlier rules.
#[tokio::test]
async fn the_version_of_the_keys_of_addresses_is_that_of_today_only_without_users() {
    let last_before = 6;
    for with_user in [false, true] {
        let database = Database::fresh().await;
        let postgres = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
        let sqlite = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let (mut before, all) =
            (sqlx::migrate!("../../migrations/postgres"), sqlx::migrate!("../../migrations/postgres"));
        before.migrations.to_mut().retain(|migration| migration.version <= last_before);
        before.run(&postgres).await.unwrap();
        let (mut before_sqlite, all_sqlite) =
            (sqlx::migrate!("../../migrations/sqlite"), sqlx::migrate!("../../migrations/sqlite"));
        before_sqlite.migrations.to_mut().retain(|migration| migration.version <= last_before);
        before_sqlite.run(&sqlite).await.unwrap();
        if with_user {
            let add = "insert into users (id, email, email_key, email_verified, roles, created_at)
                       values (gen_random_uuid(), 'a@b', 'a@b', true, '{}', now())";
            sqlx::query(add).execute(&postgres).await.unwrap();
            let add = "insert into users (id, email, email_key, email_verified, roles, created_at)
                       values (randomblob(16), 'a@b', 'a@b', true, '[]', 0)";
            sqlx::query(add).execute(&sqlite).await.unwrap();
        }
        all.run(&postgres).await.unwrap();
        all_sqlite.run(&sqlite).await.unwrap();
        let version = "select version from email_key_version";
        let of_postgres: i64 = sqlx::query_scalar(version).fetch_one(&postgres).await.unwrap();
        let of_sqlite: i64 = sqlx::query_scalar(version).fetch_one(&sqlite).await.unwrap();
        let expected = if with_user { 0 } else { auth_domain::EmailKey::VERSION };
        assert_eq!((of_postgres, of_sqlite), (expected, expected), "with a user: {with_user}");
    }
}

/// A HOT update changes no indexed column.
#[tokio::test]
async fn no_index_contains_a_column_that_a_refresh_updates() {
    let (_database, postgres) = postgres().await;
    let indexes: Vec<String> =
        sqlx::query_scalar("select indexdef from pg_indexes where tablename = 'sessions'")
            .fetch_all(&postgres)
            .await
            .unwrap();
    let [index] = indexes.as_slice() else { panic!("{indexes:?}") };
    assert!(index.ends_with("(user_id, id)"), "{index}");
}

/// `analyze` samples rows in one transaction, during which Postgres cannot remove the row versions that refreshes replace.
#[tokio::test]
async fn analyze_samples_few_rows_of_sessions() {
    let (_database, postgres) = postgres().await;
    let targets: Vec<(String, i32)> = sqlx::query_as(
        "select attname::text, coalesce(attstattarget::int, -1) from pg_attribute
         where attrelid = 'sessions'::regclass and attnum > 0 and not attisdropped",
    )
    .fetch_all(&postgres)
    .await
    .unwrap();
    assert!(targets.len() > 10, "{targets:?}");
    for (column, target) in targets {
        let of_the_key = ["user_id", "id"].contains(&column.as_str());
        assert_eq!(target, if of_the_key { 10 } else { 0 }, "{column}");
    }
}

async fn postgres() -> (Database, PgPool) {
    let database = Database::fresh().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    sqlx::migrate!("../../migrations/postgres").run(&pool).await.unwrap();
    (database, pool)
}

/// A database in memory, with one connection, because each connection has a database of its own.
async fn sqlite() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    sqlx::migrate!("../../migrations/sqlite").run(&pool).await.unwrap();
    pool
}

async fn postgres_columns(pool: &PgPool) -> BTreeSet<Column> {
    let all = "select table_name::text, column_name::text, is_nullable = 'YES',
                      case data_type when 'uuid' then 'BLOB' when 'bytea' then 'BLOB'
                                     when 'text' then 'TEXT' when 'ARRAY' then 'TEXT'
                                     when 'boolean' then 'INTEGER' when 'bigint' then 'INTEGER'
                                     when 'timestamp with time zone' then 'INTEGER'
                                     else data_type::text end
               from information_schema.columns
               where table_schema = 'public' and table_name <> '_sqlx_migrations'";
    sqlx::query_as(all).fetch_all(pool).await.unwrap().into_iter().collect()
}

async fn sqlite_columns(pool: &SqlitePool) -> BTreeSet<Column> {
    let all = r#"select t.name, c.name, not (c."notnull" or c.pk > 0), c.type
                 from sqlite_schema t join pragma_table_info(t.name) c
                 where t.type = 'table' and t.name not in ('_sqlx_migrations', 'sqlite_sequence')"#;
    sqlx::query_as(all).fetch_all(pool).await.unwrap().into_iter().collect()
}

async fn postgres_uniques(pool: &PgPool) -> BTreeSet<Unique> {
    let all = "select t.relname::text, array_agg(c.attname::text order by k.position)
               from pg_index i
               join pg_class t on t.oid = i.indrelid
               cross join unnest(i.indkey) with ordinality k (number, position)
               join pg_attribute c on c.attrelid = t.oid and c.attnum = k.number
               where i.indisunique and t.relnamespace = 'public'::regnamespace and t.relname <> '_sqlx_migrations'
               group by t.relname, i.indexrelid";
    sqlx::query_as(all).fetch_all(pool).await.unwrap().into_iter().collect()
}

async fn sqlite_uniques(pool: &SqlitePool) -> BTreeSet<Unique> {
    let all = r#"select t.name, (select group_concat(name) from (select name from pragma_index_info(i.name) order by seqno))
                 from sqlite_schema t join pragma_index_list(t.name) i
                 where t.type = 'table' and i."unique" and t.name <> '_sqlx_migrations'
                 union
                 select t.name, (select group_concat(name) from (select name from pragma_table_info(t.name) where pk > 0 order by pk))
                 from sqlite_schema t
                 where t.type = 'table' and t.name not in ('_sqlx_migrations', 'sqlite_sequence')"#;
    let rows: Vec<(String, String)> = sqlx::query_as(all).fetch_all(pool).await.unwrap();
    let split = |(table, columns): (String, String)| (table, columns.split(',').map(str::to_owned).collect());
    rows.into_iter().map(split).collect()
}

async fn postgres_references(pool: &PgPool) -> BTreeSet<Reference> {
    let all = "select r.conrelid::regclass::text, c.attname::text, r.confrelid::regclass::text,
                      case r.confdeltype when 'a' then 'NO ACTION' else r.confdeltype::text end
               from pg_constraint r
               cross join unnest(r.conkey) k (number)
               join pg_attribute c on c.attrelid = r.conrelid and c.attnum = k.number
               where r.contype = 'f'";
    sqlx::query_as(all).fetch_all(pool).await.unwrap().into_iter().collect()
}

async fn sqlite_references(pool: &SqlitePool) -> BTreeSet<Reference> {
    let all = r#"select t.name, r."from", r."table", r.on_delete
                 from sqlite_schema t join pragma_foreign_key_list(t.name) r
                 where t.type = 'table'"#;
    sqlx::query_as(all).fetch_all(pool).await.unwrap().into_iter().collect()
}
