//! One throw-away server. All that touches it goes through a keeper, a small shell process that outlives its
//! owner by just long enough to clean up: a test that panics, is interrupted or is killed leaves nothing.

use std::{
    fmt, fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{programs, unique};

const KEEPER: &str = include_str!("keeper.sh");

/// A socket's path may have 107 bytes; Postgres adds `/.s.PGSQL.5432.lock` to the folder's.
const LONGEST_PARENT: usize = 60;

/// What the server promises about its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For tests: quick to start and to commit; loses what it acknowledged when it is stopped at once.
    Fast,
    /// For benches and fault tests: what is acknowledged is on the disk, and upkeep runs as on a real server.
    Durable,
}

impl Profile {
    fn initdb_options(self) -> &'static str {
        match self {
            Self::Fast => "--no-sync",
            Self::Durable => "",
        }
    }

    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "autovacuum=off",
                "shared_buffers=32MB",
                "max_wal_size=4GB",
            ],
            Self::Durable => &[
                "fsync=on",
                "synchronous_commit=on",
                "full_page_writes=on",
                "autovacuum=on",
                "shared_buffers=256MB",
                "max_wal_size=4GB",
            ],
        }
    }
}

/// A running Postgres of one's own, reachable by a Unix socket only. Dropping it stops it and removes its files;
/// so does the end of the process that owns it.
pub struct ScratchPg {
    home: PathBuf,
    keeper: Mutex<Keeper>,
}

struct Keeper {
    child: Child,
    /// Closing it is the keeper's order to clean up and end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl ScratchPg {
    /// Makes a server and waits until it takes connections: about a second.
    ///
    /// # Errors
    ///
    /// When `PostgreSQL` is not installed, or refuses to start; the message says what to do, or quotes its log.
    pub fn start(profile: Profile) -> io::Result<Self> {
        Self::make(profile, None)
    }

    /// A standby that has what this server has now, and falls behind from then on, until `pg_promote()` makes it a server
    /// like this one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and when this server does not run.
    pub fn standby(&self, profile: Profile) -> io::Result<Self> {
        Self::make(profile, Some(&self.home))
    }

    fn make(profile: Profile, primary: Option<&Path>) -> io::Result<Self> {
        let programs = programs::folder()?;
        let home = parent()?.join(format!("goptri-pg-{:.12}", unique()));
        fs::DirBuilder::new().mode(0o700).create(&home)?;
        let keeper = Keeper::spawn(&programs, &home, profile, primary).inspect_err(|_| {
            let _ = fs::remove_dir_all(&home);
        })?;
        let server = Self { home, keeper: Mutex::new(keeper) };
        server.expect_answer("ready", if primary.is_some() { "pg_basebackup" } else { "initdb" })?;
        server.order("start", "ready")?;
        Ok(server)
    }

    /// Where to connect to the database of that name; `postgres` is there from the start.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.home.display())
    }

    /// The folder that holds its data and its socket, while it lives.
    pub fn folder(&self) -> &Path {
        &self.home
    }

    /// Ends the server as a crash would: connections break, nothing is flushed that a commit did not flush.
    ///
    /// # Errors
    ///
    /// When the keeper is gone.
    pub fn stop_immediate(&self) -> io::Result<()> {
        self.order("stop", "stopped")
    }

    /// Starts the server on the data it had, after stopping it at once if it runs.
    ///
    /// # Errors
    ///
    /// When it does not come up again; the message quotes its log.
    pub fn restart(&self) -> io::Result<()> {
        self.stop_immediate()?;
        self.order("start", "ready")
    }

    fn order(&self, order: &str, wanted: &str) -> io::Result<()> {
        if let Some(orders) = &mut self.keeper().orders {
            writeln!(orders, "{order}")?;
        }
        self.expect_answer(wanted, "postgres")
    }

    fn expect_answer(&self, wanted: &str, program: &str) -> io::Result<()> {
        let mut answer = String::new();
        self.keeper().answers.read_line(&mut answer)?;
        if answer.trim_end() == wanted {
            return Ok(());
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(io::Error::other(format!(
            "{program} did not come up in {}; its log says:\n{log}",
            self.home.display()
        )))
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ScratchPg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchPg").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Drop for ScratchPg {
    fn drop(&mut self) {
        {
            let mut keeper = self.keeper();
            drop(keeper.orders.take());
            let _ = keeper.child.wait();
        }
        // The keeper may run as somebody who may empty the folder but not take it away.
        let _ = fs::remove_dir_all(&self.home);
    }
}

impl Keeper {
    fn spawn(programs: &Path, home: &Path, profile: Profile, primary: Option<&Path>) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .args([programs, home])
            .arg(profile.initdb_options())
            .arg(primary.unwrap_or(Path::new("")))
            .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
            .args(profile.settings().iter().chain(counting(profile, programs)).flat_map(|set| ["-c", *set]))
            .current_dir(home)
            // Its own group, so that Ctrl-C in a terminal, or a test runner's kill, does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if owner_is_root(home)? {
            let (uid, gid) = programs::unprivileged()?;
            chown(home, Some(uid), Some(gid))?;
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the keeper has no pipes"));
        };
        Ok(Self { child, orders: Some(orders), answers: BufReader::new(answers) })
    }
}

/// Tests may ask which statements were carried out; a bench has no use for the price of it. Many databases share one
/// server, so there is room for all that their tests ever ask. A server without the library starts all the same.
fn counting(profile: Profile, programs: &Path) -> &'static [&'static str] {
    if profile == Profile::Fast && programs::has_library(programs, "pg_stat_statements") {
        &["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=50000"]
    } else {
        &[]
    }
}

/// Who made a folder owns it, which tells who we are.
fn owner_is_root(home: &Path) -> io::Result<bool> {
    Ok(fs::metadata(home)?.uid() == 0)
}

/// The folder for temporary files, or `/tmp` where that one is too deep for a socket, or closed to the user that
/// the server may have to run as.
fn parent() -> io::Result<PathBuf> {
    let usual = std::env::temp_dir();
    let open_to_all = fs::metadata(&usual)?.mode() & 0o003 == 0o003;
    let short = usual.as_os_str().len() <= LONGEST_PARENT;
    Ok(if short && open_to_all { usual } else { PathBuf::from("/tmp") })
}
