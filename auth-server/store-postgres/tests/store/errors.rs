//! What an operator reads when the database cannot be used: its address, one cause and a remedy, within five seconds.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use auth_store::{Maintenance, Revocations, RunningServers, StoreError, Users};
use scratch_pg::{Database, Profile, ScratchPg};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store_postgres::PostgresStore;

use super::faults::migrated;
use super::proxy;

const PASSWORD: &str = "hunter2";

/// The errors of the two verbs with which commands begin.
async fn errors(url: &str) -> [String; 2] {
    let store = PostgresStore::connect(url, 1).unwrap();
    let began = Instant::now();
    let (ready, migrated) = tokio::join!(store.ready(), store.migrate(RunningServers::Possible));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    [ready.unwrap_err(), migrated.unwrap_err()].map(|error| {
        let shown = format!("{error:?}");
        assert!(!shown.contains(PASSWORD), "{shown}");
        error.to_string()
    })
}

async fn assert_error(url: &str, expected: &str) {
    for error in errors(url).await {
        assert_eq!(error, expected);
    }
}

async fn execute(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_reported_with_host_and_port() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_error(
        &format!("postgres://goptri:{PASSWORD}@127.0.0.1:{port}/goptri"),
        &format!(
            "the database is not available: PostgreSQL at 127.0.0.1:{port}: connection refused; start the server, or \
             correct the host and port in DATABASE_URL"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_reported_within_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    assert_error(
        &format!("postgres://goptri:{PASSWORD}@{address}/goptri"),
        &format!(
            "the database is not available: PostgreSQL at {address}: no answer within 4 s; check the host and port in \
             DATABASE_URL, and that no firewall blocks them"
        ),
    )
    .await;
}

#[tokio::test]
async fn an_unknown_host_is_reported() {
    assert_error(
        &format!("postgres://goptri:{PASSWORD}@no..host:5433/goptri"),
        "the database is not available: PostgreSQL at no..host:5433: the host name cannot be resolved; correct the host \
         in DATABASE_URL",
    )
    .await;
}

#[tokio::test]
async fn a_server_without_tls_is_reported_when_tls_is_required() {
    let database = Database::fresh().await;
    let (proxy, url) = proxy::before(database.url());
    let (url, address) = (url.replace("sslmode=disable", "sslmode=require"), proxy.address());
    assert_error(
        &url,
        &format!(
            "the database is not available: PostgreSQL at {address}: the server does not support TLS; enable it there, \
             or set sslmode=prefer in DATABASE_URL"
        ),
    )
    .await;
}

#[tokio::test]
async fn wrong_credentials_and_an_unknown_database_are_reported_with_a_remedy() {
    let server = ScratchPg::start(Profile::Fast).unwrap();
    let folder = server.folder().display().to_string();
    for statement in
        ["create role ann login password 'secret'", "create role tls login", "create database app"]
    {
        execute(&server.url("postgres"), statement).await;
    }
    let hba = "local all postgres trust\nlocal all ann scram-sha-256\nlocal all missing trust\n";
    fs::write(server.folder().join("data/pg_hba.conf"), hba).unwrap();
    execute(&server.url("postgres"), "select pg_reload_conf()").await;
    let refused =
        |cause: &str| format!("the database refused: PostgreSQL at {folder}/.s.PGSQL.5432: {cause}");
    for (user, database, cause) in [
        (
            format!("ann:{PASSWORD}"),
            "app",
            "password authentication failed for user \"ann\"; correct the user and password in DATABASE_URL",
        ),
        (
            "missing".to_owned(),
            "app",
            "role \"missing\" does not exist; correct the user in DATABASE_URL, or allow it in pg_hba.conf",
        ),
        (
            "postgres".to_owned(),
            "missing",
            "database \"missing\" does not exist; create the database, or correct its name in DATABASE_URL",
        ),
        (
            "tls".to_owned(),
            "app",
            "no pg_hba.conf entry for host \"[local]\", user \"tls\", database \"app\", no encryption; if the server \
             requires TLS, set sslmode=require in DATABASE_URL; else allow the connection in pg_hba.conf",
        ),
    ] {
        let url = format!("postgres://{user}@localhost/{database}?host={folder}");
        assert_error(&url, &refused(cause)).await;
    }
}

#[tokio::test]
async fn a_role_without_privileges_needs_none_unless_there_is_something_to_migrate_and_is_told_how() {
    const REMEDY: &str = "run `auth-server migrate` as a role that may create tables, grant this role select, insert, \
                          update and delete on them, and set AUTO_MIGRATE=off";
    let server = ScratchPg::start(Profile::Fast).unwrap();
    execute(&server.url("postgres"), "create role app login").await;
    let place = format!("PostgreSQL at {}/.s.PGSQL.5432", server.folder().display());
    let url = server.url("postgres").replace("postgres@", "app@");
    let app = PostgresStore::connect(&url, 1).unwrap();
    assert_eq!(
        app.migrate(RunningServers::Possible).await.unwrap_err().to_string(),
        format!("the database refused: {place}: permission denied for schema public; {REMEDY}"),
    );

    PostgresStore::connect(&server.url("postgres"), 1)
        .unwrap()
        .migrate(RunningServers::Possible)
        .await
        .unwrap();
    assert_eq!(
        app.ready().await.unwrap_err().to_string(),
        format!("the database refused: {place}: permission denied for table _sqlx_migrations; {REMEDY}"),
    );
    let rights = "grant select, insert, update, delete on all tables in schema public to app";
    execute(&server.url("postgres"), rights).await;
    app.ready().await.unwrap();
    assert_eq!(app.list_users(None, 1).await.unwrap(), []);
    app.migrate(RunningServers::Possible).await.unwrap();

    execute(&server.url("postgres"), "delete from _sqlx_migrations where version = 1").await;
    assert_eq!(
        app.migrate(RunningServers::Possible).await.unwrap_err().to_string(),
        format!("the database refused: {place}: permission denied for schema public; {REMEDY}"),
    );
}

/// Citus reports what it cannot run with the code that Postgres has for a stale plan, which is repeated.
#[tokio::test]
async fn a_statement_that_the_server_does_not_support_is_reported_by_name_and_not_as_an_outage() {
    let (database, store) = migrated().await;
    let refuse = "create function refuse() returns trigger language plpgsql as
                      $$ begin raise exception 'complex joins are not supported' using errcode = '0A000'; end $$;
                  create trigger refuses before insert on revocations for each row execute function refuse()";
    database.execute(refuse).await;
    store.list_users(None, 1).await.unwrap();
    let before = format!("{store:?}");
    let Err(error @ StoreError::Unsuitable(_)) = store.revoke_token(None, "a token").await else {
        panic!("it is not an error of the installation")
    };
    let error = error.to_string();
    assert!(
        error.starts_with("the database cannot be used: PostgreSQL at ")
            && error.ends_with(
                ": complex joins are not supported; this server, or an extension of it, cannot run a statement that \
                 auth-server needs"
            ),
        "{error}"
    );
    assert_eq!(format!("{store:?}"), before, "the connection is fit");
}
