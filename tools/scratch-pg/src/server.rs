//! A temporary server. A supervisor, a small shell process, starts and stops it and outlives its owner just long enough
//! to clean up, so that a test that panics, is interrupted or is killed leaves nothing behind.

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

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// A Unix socket's path has at most 107 bytes, and Postgres appends `/.s.PGSQL.5432.lock`.
const MAX_PARENT_LENGTH: usize = 60;

/// The durability of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For tests: starts and commits quickly; loses committed data in a crash.
    Fast,
    /// For benches and fault tests: commits are on disk, and autovacuum runs.
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

/// A running Postgres, reachable by a Unix socket only. It stops, and its files are removed, on drop or when the owning
/// process ends.
pub struct ScratchPg {
    home: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

/// How a server is reached, and its settings beside those of its profile.
pub(crate) struct Network {
    /// Of its socket too.
    pub(crate) port: u16,
    /// Whether it also listens on 127.0.0.1.
    pub(crate) listens: bool,
    /// A library to load before others.
    pub(crate) preloaded: Option<&'static str>,
    /// `NAME=VALUE`.
    pub(crate) settings: Vec<String>,
}

impl Network {
    /// A socket only.
    const SOCKET: Self = Self { port: 5432, listens: false, preloaded: None, settings: Vec::new() };

    fn arguments(&self, profile: Profile, programs: &Path) -> Vec<String> {
        let counters = statement_counters(profile, programs);
        let libraries: Vec<_> = self.preloaded.into_iter().chain(counters.first().copied()).collect();
        let mut settings = vec![
            format!("listen_addresses={}", if self.listens { "127.0.0.1" } else { "" }),
            format!("port={}", self.port),
            format!("shared_preload_libraries={}", libraries.join(",")),
        ];
        settings.extend(counters.iter().skip(1).map(|setting| (*setting).to_owned()));
        settings.extend(self.settings.iter().cloned());
        settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
    }
}

/// Where the data of a new server comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Empty,
    CopyOf(&'a Path),
    StandbyOf(&'a Path),
}

impl Origin<'_> {
    /// The program that makes the data.
    fn program(self) -> &'static str {
        match self {
            Self::Empty => "initdb",
            Self::CopyOf(_) | Self::StandbyOf(_) => "pg_basebackup",
        }
    }

    /// The arguments of the supervisor: the folder of the primary, and what the copy receives.
    fn arguments(&self) -> [&Path; 2] {
        match self {
            Self::Empty => [Path::new(""), Path::new("")],
            Self::CopyOf(primary) => [primary, Path::new("")],
            Self::StandbyOf(primary) => [primary, Path::new("streaming")],
        }
    }
}

struct Supervisor {
    child: Child,
    /// Closing it makes the supervisor clean up and end.
    commands: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl ScratchPg {
    /// Creates a server and waits until it accepts connections: about a second.
    ///
    /// # Errors
    ///
    /// If `PostgreSQL` is not installed or does not start; the message says what to do, or quotes its log.
    pub fn start(profile: Profile) -> io::Result<Self> {
        Self::make(&parent()?, profile, Origin::Empty, &Network::SOCKET)
    }

    /// The same with another network.
    pub(crate) fn start_on(profile: Profile, network: &Network) -> io::Result<Self> {
        Self::make(&parent()?, profile, Origin::Empty, network)
    }

    /// The same with its files below `parent`, for example on a small disk. Its path must be short, because the path of a
    /// socket is limited.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_in(parent: &Path, profile: Profile) -> io::Result<Self> {
        Self::make(parent, profile, Origin::Empty, &Network::SOCKET)
    }

    /// A standby with the data that this server has now. It receives nothing more, and can be promoted with `pg_promote()`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and if this server does not run.
    pub fn standby(&self, profile: Profile) -> io::Result<Self> {
        Self::make(&parent()?, profile, Origin::CopyOf(&self.home), &Network::SOCKET)
    }

    /// A hot standby that receives everything from this server, and can be promoted with `pg_promote()`.
    ///
    /// # Errors
    ///
    /// As [`standby`](Self::standby).
    pub fn streaming_standby(&self, profile: Profile) -> io::Result<Self> {
        Self::make(&parent()?, profile, Origin::StandbyOf(&self.home), &Network::SOCKET)
    }

    fn make(parent: &Path, profile: Profile, origin: Origin<'_>, network: &Network) -> io::Result<Self> {
        let programs = programs::folder()?;
        let home = parent.join(format!("goptri-pg-{:.12}", unique()));
        fs::DirBuilder::new().mode(0o700).create(&home)?;
        let supervisor = Supervisor::spawn(&programs, &home, profile, origin, network).inspect_err(|_| {
            let _ = fs::remove_dir_all(&home);
        })?;
        let server = Self { home, port: network.port, supervisor: Mutex::new(supervisor) };
        server.expect_reply("ready", origin.program())?;
        server.send("start", "ready")?;
        Ok(server)
    }

    /// The URL of a database; the database `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost:{}/{database}?host={}", self.port, self.home.display())
    }

    /// The port of its socket, and of its address if it listens on one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its data and its socket.
    pub fn folder(&self) -> &Path {
        &self.home
    }

    /// Stops the server like a crash: connections break, and only committed data is flushed.
    ///
    /// # Errors
    ///
    /// If the supervisor has ended.
    pub fn stop_immediate(&self) -> io::Result<()> {
        self.send("stop", "stopped")
    }

    /// Stops the server as `pg_ctl stop` does: it tells its clients, ends their connections, and writes a checkpoint.
    ///
    /// # Errors
    ///
    /// If the supervisor has ended.
    pub fn shut_down(&self) -> io::Result<()> {
        self.send("shutdown", "stopped")
    }

    /// Kills the server and all of its processes (SIGKILL), as when its machine loses power.
    ///
    /// # Errors
    ///
    /// If the supervisor has ended.
    pub fn kill(&self) -> io::Result<()> {
        self.send("kill", "stopped")
    }

    /// Stops all processes of the server (SIGSTOP): connections are accepted, and nothing answers.
    ///
    /// # Errors
    ///
    /// If the supervisor has ended.
    pub fn pause(&self) -> io::Result<()> {
        self.send("pause", "paused")
    }

    /// Lets a paused server continue.
    ///
    /// # Errors
    ///
    /// If the supervisor has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.send("resume", "ready")
    }

    /// Starts the server on its existing data; first stops it like a crash if it runs.
    ///
    /// # Errors
    ///
    /// If it does not start; the message quotes its log.
    pub fn restart(&self) -> io::Result<()> {
        self.stop_immediate()?;
        self.send("start", "ready")
    }

    fn send(&self, command: &str, wanted: &str) -> io::Result<()> {
        if let Some(commands) = &mut self.supervisor().commands {
            writeln!(commands, "{command}")?;
        }
        self.expect_reply(wanted, "postgres")
    }

    fn expect_reply(&self, wanted: &str, program: &str) -> io::Result<()> {
        let mut reply = String::new();
        self.supervisor().replies.read_line(&mut reply)?;
        if reply.trim_end() == wanted {
            return Ok(());
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("{program} did not start in {}; its log:\n{log}", self.home.display())))
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
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
            let mut supervisor = self.supervisor();
            drop(supervisor.commands.take());
            let _ = supervisor.child.wait();
        }
        // The supervisor may run as a user who can empty the folder but not remove it.
        let _ = fs::remove_dir_all(&self.home);
    }
}

impl Supervisor {
    fn spawn(
        programs: &Path,
        home: &Path,
        profile: Profile,
        origin: Origin<'_>,
        network: &Network,
    ) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SUPERVISOR, "supervisor"])
            .args([programs, home])
            .arg(profile.initdb_options())
            .args(origin.arguments())
            .args(["-c", "max_connections=300"])
            .args(profile.settings().iter().flat_map(|set| ["-c", *set]))
            .args(network.arguments(profile, programs))
            .current_dir(home)
            // Its own process group, so that Ctrl-C or a test runner's kill does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        run_unprivileged(&mut command, home)?;
        let mut child = command.spawn()?;
        let (Some(commands), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the supervisor has no pipes"));
        };
        Ok(Self { child, commands: Some(commands), replies: BufReader::new(replies) })
    }
}

/// The library `pg_stat_statements` and its settings, so that tests can count statements; not for benches, because it
/// costs time. The maximum is large because many databases share the server. Nothing if the library is not installed.
fn statement_counters(profile: Profile, programs: &Path) -> &'static [&'static str] {
    if profile == Profile::Fast && programs::has_library(programs, "pg_stat_statements") {
        &["pg_stat_statements", "pg_stat_statements.max=50000"]
    } else {
        &[]
    }
}

/// If this process runs as root, gives the folder to an unprivileged user and runs the command as that user.
pub(crate) fn run_unprivileged(command: &mut Command, home: &Path) -> io::Result<()> {
    if owner_is_root(home)? {
        let (uid, gid) = programs::unprivileged()?;
        chown(home, Some(uid), Some(gid))?;
        command.uid(uid).gid(gid);
    }
    Ok(())
}

/// Whether this process runs as root: it owns the folder that it has just created.
fn owner_is_root(home: &Path) -> io::Result<bool> {
    Ok(fs::metadata(home)?.uid() == 0)
}

/// The folder for temporary files, or `/tmp` if its path is too long for a socket or the server's user cannot enter it.
pub(crate) fn parent() -> io::Result<PathBuf> {
    let default = std::env::temp_dir();
    let open_to_all = fs::metadata(&default)?.mode() & 0o003 == 0o003;
    let short = default.as_os_str().len() <= MAX_PARENT_LENGTH;
    Ok(if short && open_to_all { default } else { PathBuf::from("/tmp") })
}
