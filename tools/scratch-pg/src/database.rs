//! An empty database for each test, so that tests are independent, on a shared server, because a server takes a second to
//! start and a database some milliseconds.

use std::{io, sync::OnceLock};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use crate::{
    programs,
    server::{Profile, ScratchPg},
    unique,
};

/// The environment variable with the URL of a server for tests: its maintenance database, as a role that may create
/// databases. Without it, each test process starts a server.
pub const TEST_DATABASE_URL: &str = "TEST_DATABASE_URL";

/// A database, initially empty. It is dropped with this value, even if there are connections.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    maintenance: String,
}

impl Database {
    /// A new database on the server that [`TEST_DATABASE_URL`] names, else on a fast server of this process.
    ///
    /// # Panics
    ///
    /// If the server is not there or rejects the statement.
    pub async fn fresh() -> Self {
        Self::on(shared_server()).await
    }

    /// A new database on the server with this maintenance database.
    ///
    /// # Panics
    ///
    /// If the URL is invalid or the server rejects the statement.
    pub async fn on(maintenance: &str) -> Self {
        let name = format!("goptri_test_{}", unique());
        let url = at(maintenance, &name)
            .unwrap_or_else(|error| panic!("{TEST_DATABASE_URL} is not a URL: {error}"));
        // template0 has no connections, which would block copying it.
        let create = format!("create database {name} template template0");
        if let Err(error) = execute(maintenance, create).await {
            panic!("the Postgres server for tests creates no database: {error}");
        }
        Self { name, url, maintenance: maintenance.to_owned() }
    }

    /// The URL of the database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Executes statements, for tests of crates without sqlx.
    ///
    /// # Panics
    ///
    /// If the server rejects them.
    pub async fn execute(&self, statements: &str) {
        if let Err(error) = execute(&self.url, statements.to_owned()).await {
            panic!("{statements}: {error}");
        }
    }

    /// The number that a query returns, for the same tests.
    ///
    /// # Panics
    ///
    /// If it returns none.
    pub async fn number(&self, query: &str) -> i64 {
        number(&self.url, query).await
    }
}

/// The number that a query returns.
///
/// # Panics
///
/// If it returns none.
pub(crate) async fn number(url: &str, query: &str) -> i64 {
    let result = async {
        let mut connection = PgConnection::connect(url).await?;
        let number = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<i64, sqlx::Error>(number)
    };
    result.await.unwrap_or_else(|error| panic!("{query}: {error}"))
}

impl Drop for Database {
    fn drop(&mut self) {
        drop_database(std::mem::take(&mut self.name), std::mem::take(&mut self.maintenance));
    }
}

/// On a new thread: a test's current-thread runtime cannot block on itself.
#[expect(clippy::print_stderr, reason = "drop cannot return an error")]
pub(crate) fn drop_database(name: String, maintenance: String) {
    let dropped = std::thread::spawn(move || -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let drop = format!("drop database if exists {name} with (force)");
        runtime.block_on(execute(&maintenance, drop)).map_err(|error| format!("{name}: {error}"))
    });
    match dropped.join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("a test database is left on the server: {error}"),
        Err(_) => eprintln!("a test database is left on the server"),
    }
}

/// The server that [`TEST_DATABASE_URL`] names, if it is set.
pub fn named_server() -> Option<String> {
    programs::variable(TEST_DATABASE_URL)
}

/// The maintenance URL of the server that all tests of this process share.
fn shared_server() -> &'static str {
    static SERVER: OnceLock<(String, Option<ScratchPg>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match named_server() {
        Some(url) => (url, None),
        None => match own_server() {
            Ok((url, server)) => (url, Some(server)),
            Err(error) => panic!("{error}\n(or set {TEST_DATABASE_URL} to the URL of a server)"),
        },
    });
    url
}

/// A static is never dropped: the supervisor cleans up when the process has ended.
fn own_server() -> io::Result<(String, ScratchPg)> {
    let server = ScratchPg::start(Profile::Fast)?;
    Ok((server.url("postgres"), server))
}

pub(crate) async fn execute(server: &str, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// `server` with another database and otherwise the same URL.
pub(crate) fn at(server: &str, database: &str) -> Result<String, url::ParseError> {
    let mut url = Url::parse(server)?;
    url.set_path(database);
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "dbname")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        let table = [
            (
                "postgres://me:p%40ss@db.example:5433/postgres?sslmode=require",
                "postgres://me:p%40ss@db.example:5433/t?sslmode=require",
            ),
            (
                "postgres://me@localhost/postgres?host=/tmp/some folder",
                "postgres://me@localhost/t?host=%2Ftmp%2Fsome+folder",
            ),
            ("postgres://me@localhost?dbname=postgres", "postgres://me@localhost/t"),
            ("postgresql://%2Frun%2Fpg/x", "postgresql://%2Frun%2Fpg/t"),
        ];
        for (server, wanted) in table {
            assert_eq!(at(server, "t").as_deref(), Ok(wanted), "{server}");
        }
    }
}
