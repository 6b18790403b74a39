//! What this crate is for: a server and a database are there when asked for, and nothing is left of them,
//! whichever way their owner ends.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

use std::{
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use scratch_pg::{Database, Profile, ScratchPg, TEST_DATABASE_URL};
use sqlx::{Connection, PgConnection};

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_dropped_server_leaves_no_folder() -> Result<(), Box<dyn std::error::Error>> {
    let server = ScratchPg::start(Profile::Fast)?;
    let folder = server.folder().to_owned();
    PgConnection::connect(&server.url("postgres")).await?;
    assert!(folder.is_dir());
    drop(server);
    assert!(!folder.exists());
    Ok(())
}

#[tokio::test]
async fn a_durable_server_keeps_committed_data_after_an_immediate_stop()
-> Result<(), Box<dyn std::error::Error>> {
    let server = ScratchPg::start(Profile::Durable)?;
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    sqlx::raw_sql("create table kept (n bigint); insert into kept values (7)")
        .execute(&mut connection)
        .await?;

    server.stop_immediate()?;
    assert!(connection.ping().await.is_err());
    assert!(PgConnection::connect(&server.url("postgres")).await.is_err());

    server.restart()?;
    server.restart()?;
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    let kept: i64 = sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await?;
    assert_eq!(kept, 7);
    Ok(())
}

#[tokio::test]
async fn a_database_is_empty_and_gone_after_its_drop() -> Result<(), Box<dyn std::error::Error>> {
    let database = Database::fresh().await;
    let url = database.url().to_owned();
    let mut held = PgConnection::connect(&url).await?;
    let tables: i64 = sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
        .fetch_one(&mut held)
        .await?;
    assert_eq!(tables, 0);
    drop(database);
    assert!(held.ping().await.is_err(), "connections are closed");
    let refused = PgConnection::connect(&url).await.err();
    let code = refused
        .as_ref()
        .and_then(|error| error.as_database_error())
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("3D000"), "{refused:?}");
    Ok(())
}

#[test]
fn a_killed_owner_leaves_nothing() -> io::Result<()> {
    let mut owner = Owner::start("echo $TEST_DATABASE_URL; exec cat")?;
    let folder = owner.folder()?;
    assert!(folder.is_dir());
    owner.send_signal("-KILL")?;
    assert!(gone_in_time(&folder), "{} is still there", folder.display());
    Ok(())
}

#[test]
fn a_terminated_owner_ends_its_command_and_leaves_nothing() -> io::Result<()> {
    let mut owner = Owner::start(
        "trap 'exit 3' TERM; echo $TEST_DATABASE_URL; while kill -0 $PPID; do sleep 0.05; done",
    )?;
    let folder = owner.folder()?;
    owner.send_signal("-TERM")?;
    let status = owner.process.wait()?;
    assert_eq!(status.code(), Some(3), "the exit code of the command");
    assert!(!folder.exists());
    Ok(())
}

#[test]
fn the_exit_code_is_that_of_the_command() -> io::Result<()> {
    let status = scratch_pg(&["--durable", "--", "sh", "-c", "exit 42"]).status()?;
    assert_eq!(status.code(), Some(42));
    Ok(())
}

#[test]
fn the_server_in_test_database_url_is_used() -> io::Result<()> {
    let printed = scratch_pg(&["--", "sh", "-c", "echo $TEST_DATABASE_URL"])
        .env(TEST_DATABASE_URL, "postgres://elsewhere/postgres")
        .output()?;
    assert_eq!(printed.stdout, b"postgres://elsewhere/postgres\n");
    Ok(())
}

/// The program, running a shell script.
struct Owner {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Owner {
    fn start(script: &str) -> io::Result<Self> {
        let mut process =
            scratch_pg(&["--", "sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().map(BufReader::new);
        let output = output.ok_or_else(|| io::Error::other("no pipe"))?;
        Ok(Self { process, output })
    }

    /// The folder of the server, from the URL that the script prints.
    fn folder(&mut self) -> io::Result<PathBuf> {
        let mut url = String::new();
        self.output.read_line(&mut url)?;
        let (_, folder) =
            url.trim_end().split_once("host=").ok_or_else(|| io::Error::other(format!("no URL: {url:?}")))?;
        Ok(folder.into())
    }

    fn send_signal(&self, signal: &str) -> io::Result<()> {
        let id = self.process.id().to_string();
        Command::new("kill").args([signal, &id]).status().map(drop)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn scratch_pg(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scratch-pg"));
    command.args(arguments).env_remove(TEST_DATABASE_URL);
    command
}

/// The supervisor notices the end of its owner immediately, but has to stop the server first.
fn gone_in_time(folder: &Path) -> bool {
    let end = Instant::now() + TIMEOUT;
    while folder.exists() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
