//! One empty database a test, so that tests neither see nor wait for each other, on a server that they share,
//! because a server takes a second to start and a database some milliseconds.

use std::{io, sync::OnceLock};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use crate::{
    programs,
    server::{Profile, ScratchPg},
    unique,
};

/// The environment variable with the URL of a server for tests: its maintenance database, as a role that may
/// create databases. Without it each process of tests starts a server of its own.
pub const TEST_DATABASE_URL: &str = "TEST_DATABASE_URL";

/// A database of its own, empty at first and dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    maintenance: String,
}

impl Database {
    /// A fresh one on the server that [`TEST_DATABASE_URL`] names, else on a fast one that this process keeps.
    ///
    /// # Panics
    ///
    /// When there is no such server, or it refuses: a test can do nothing without.
    pub async fn fresh() -> Self {
        Self::on(shared_server()).await
    }

    /// A fresh one on the server with that maintenance database, for instance a durable one.
    ///
    /// # Panics
    ///
    /// When that is no URL of a server that lets us create a database.
    pub async fn on(maintenance: &str) -> Self {
        let name = format!("goptri_test_{}", unique());
        let url =
            at(maintenance, &name).unwrap_or_else(|error| panic!("{TEST_DATABASE_URL} is no URL: {error}"));
        // Nobody can be connected to template0, so nobody can be in the way of copying it.
        let create = format!("create database {name} template template0");
        if let Err(error) = execute(maintenance, create).await {
            panic!("the Postgres server for tests gives no database: {error}");
        }
        Self { name, url, maintenance: maintenance.to_owned() }
    }

    /// Where to connect to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Carries out statements, for tests of a crate that has no SQL of its own.
    ///
    /// # Panics
    ///
    /// When the server refuses them.
    pub async fn execute(&self, statements: &str) {
        if let Err(error) = execute(&self.url, statements.to_owned()).await {
            panic!("{statements}: {error}");
        }
    }

    /// The one number that a query gives, for the same tests.
    ///
    /// # Panics
    ///
    /// When it gives none.
    pub async fn number(&self, query: &str) -> i64 {
        let answer = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            let number = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<i64, sqlx::Error>(number)
        };
        answer.await.unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}

impl Drop for Database {
    /// From a thread of its own: a test's runtime may be the current thread's, which cannot wait for itself.
    #[expect(
        clippy::print_stderr,
        reason = "a drop can neither fail nor stay silent about what it leaves behind"
    )]
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let maintenance = std::mem::take(&mut self.maintenance);
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
}

/// The server that [`TEST_DATABASE_URL`] names, if it names one.
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
            Err(error) => panic!("{error}\n(or name a server in {TEST_DATABASE_URL})"),
        },
    });
    url
}

/// A static is never dropped: the server's keeper cleans up when the process has ended.
fn own_server() -> io::Result<(String, ScratchPg)> {
    let server = ScratchPg::start(Profile::Fast)?;
    Ok((server.url("postgres"), server))
}

async fn execute(server: &str, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// The same server and everything else that the URL says, but another database.
fn at(server: &str, database: &str) -> Result<String, url::ParseError> {
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
