//! Starts the release programs on free local ports, and ends them.

use std::env::current_exe;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;
use crate::processes::{core_time, resident_mib};
use crate::tokens::{ACCESS_TOKEN_SECRET, FEED_SECRET, REFRESH_TOKEN_SECRET};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The path of a program in the folder of this one.
pub(crate) fn program(name: &str) -> Result<PathBuf, Error> {
    let path = current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is not built; cargo build --workspace builds it", path.display()).into())
    }
}

/// Runs a program and returns its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {text}{errors}", command.get_program().display()).into())
}

/// A program and its variables, apart from its address.
#[derive(Clone)]
pub(crate) struct Program {
    program: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Program {
    /// auth-server on a database.
    pub(crate) fn auth(database_url: &str) -> Self {
        Self { program: "auth-server", variables: Vec::new() }
            .with("DATABASE_URL", database_url)
            .with("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
            .with("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET)
            .with("FEED_SECRET", FEED_SECRET)
            .with("DEFAULT_SCOPE", "photos:read photos:write")
            // So that each request can have a client address of its own, and its own throttle.
            .with("TRUSTED_PROXIES", "127.0.0.1/32")
    }

    /// api-server that follows the feed of `auth`.
    pub(crate) fn api(auth: &Server, photos: &Path) -> Self {
        Self { program: "api-server", variables: Vec::new() }
            .with("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
            .with("FEED_SECRET", FEED_SECRET)
            .with("AUTH_SERVER_URL", &auth.url())
            .with("PHOTOS_DIR", &photos.display().to_string())
    }

    /// api-server's `GET /me` and `GET /verify` without the guard.
    pub(crate) fn unguarded() -> Self {
        Self { program: "unguarded", variables: Vec::new() }.with("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
    }

    /// Adds a variable.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Removes a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self
    }

    /// The command, with these variables and no others.
    pub(crate) fn command(&self) -> Result<Command, Error> {
        let mut command = Command::new(program(self.program)?);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}

/// A running server, killed on drop.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts the program, with its log in a file in `folder`.
    pub(crate) fn spawn(program: &Program, folder: &Path) -> Result<Self, Error> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = folder.join(format!("{}-{}.log", program.program, address.port()));
        let child = program
            .command()?
            .env("AUTH_SERVER_ADDR", address.to_string())
            .env("API_SERVER_ADDR", address.to_string())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self { name: program.program, child, address, log })
    }

    /// Starts the program and waits until it is ready.
    pub(crate) fn start(program: &Program, folder: &Path) -> Result<Self, Error> {
        let mut server = Self::spawn(program, folder)?;
        let path = if server.name == "unguarded" { "/healthz" } else { "/readyz" };
        server.wait_for(path)?;
        Ok(server)
    }

    /// Waits until `GET path` gets 200.
    pub(crate) fn wait_for(&mut self, path: &str) -> Result<(), Error> {
        let begun = Instant::now();
        while !responds_200(self.address, path) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended ({status}):\n{}", self.name, self.last_lines()).into());
            }
            if begun.elapsed() > START_TIMEOUT {
                return Err(format!("{} is not ready:\n{}", self.name, self.last_lines()).into());
            }
            sleep(Duration::from_micros(300));
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        resident_mib(self.child.id())
    }

    /// CPU time so far.
    pub(crate) fn core_time(&self) -> Duration {
        core_time(self.child.id())
    }

    /// The end of its log, for error messages.
    pub(crate) fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.reverse();
        lines.join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has ended already; the caller that waited for a response has reported that.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// With as little work as possible, because the starting server needs the cores.
fn responds_200(address: SocketAddr, path: &str) -> bool {
    let status = || -> io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(START_TIMEOUT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin)?;
        Ok(begin)
    };
    status().is_ok_and(|begin| &begin == b"HTTP/1.1 200")
}
