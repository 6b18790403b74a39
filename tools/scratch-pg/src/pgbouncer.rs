//! A pooler in front of a temporary server, reachable by a Unix socket only. It ends with its owner, however that ends.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::server::{parent, run_unprivileged};
use crate::{ScratchPg, programs, unique};

/// Runs until its standard input ends, which is when its owner has ended.
const SUPERVISOR: &str = r#"
trap '' INT TERM HUP
"$@" </dev/null >/dev/null 2>&1 &
while read -r _; do :; done
kill -TERM $!
wait $!
rm -rf "$0"
"#;

const PORT: u16 = 6432;

/// How often to look for the socket, every ten milliseconds.
const MAX_LOOKS: usize = 1_000;

/// What a client has for itself: a connection to the server until it disconnects, or for one transaction or statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// `pool_mode=session`
    Session,
    /// `pool_mode=transaction`
    Transaction,
    /// `pool_mode=statement`
    Statement,
}

/// A running pooler. It stops, and its files are removed, on drop or when the owning process ends.
#[derive(Debug)]
pub struct PgBouncer {
    home: PathBuf,
    supervisor: Child,
}

impl PgBouncer {
    /// A pooler in front of every database of that server.
    ///
    /// # Errors
    ///
    /// If `PgBouncer` is not installed or does not start; the message says what to do, or quotes its log.
    pub fn start(server: &ScratchPg, mode: PoolMode) -> io::Result<Self> {
        let program = programs::pgbouncer()?;
        let home = parent()?.join(format!("goptri-pb-{:.12}", unique()));
        fs::DirBuilder::new().mode(0o700).create(&home)?;
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
            PoolMode::Statement => "statement",
        };
        let (here, there) = (home.display(), server.folder().display());
        let settings = format!(
            "[databases]\n* = host={there} port=5432\n\n[pgbouncer]\npool_mode = {mode}\nlisten_port = {PORT}\n\
             unix_socket_dir = {here}\nauth_type = trust\nauth_file = {here}/users\nlogfile = {here}/log\n"
        );
        fs::write(home.join("pgbouncer.ini"), settings)?;
        fs::write(home.join("users"), "\"postgres\" \"\"\n")?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SUPERVISOR])
            .args([&home, &program])
            .arg(home.join("pgbouncer.ini"))
            .current_dir(&home)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        run_unprivileged(&mut command, &home)?;
        let pooler = Self { home, supervisor: command.spawn()? };
        pooler.wait_until_it_listens()?;
        Ok(pooler)
    }

    /// The URL of a database through the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost:{PORT}/{database}?host={}", self.home.display())
    }

    fn wait_until_it_listens(&self) -> io::Result<()> {
        let socket = self.home.join(format!(".s.PGSQL.{PORT}"));
        for _ in 0..MAX_LOOKS {
            if UnixStream::connect(&socket).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("pgbouncer did not start in {}; its log:\n{log}", self.home.display())))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
        // The supervisor may run as a user who can empty the folder but not remove it.
        let _ = fs::remove_dir_all(&self.home);
    }
}
