//! Starts the programs, as somebody who deploys them would, on free ports of this machine's own, and ends those that it
//! started.

use std::env::current_exe;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::processes::{core_time, resident_mib};
use crate::tokens::{ACCESS_TOKEN_SECRET, FEED_SECRET, REFRESH_TOKEN_SECRET};

/// Nothing takes so long to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program of that name, which is built beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf, Failed> {
    let path = current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is not built; cargo build --workspace builds it", path.display()).into())
    }
}

/// Runs a program to its end, and gives what it printed.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {text}{complaint}", command.get_program().display()).into())
}

/// What a server is told, apart from its address.
#[derive(Clone)]
pub(crate) struct Setting {
    program: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Setting {
    /// auth-server on that database.
    pub(crate) fn auth(database_url: &str) -> Self {
        Self { program: "auth-server", variables: Vec::new() }
            .and("DATABASE_URL", database_url)
            .and("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
            .and("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET)
            .and("FEED_SECRET", FEED_SECRET)
            // So that a bench is many people, who are throttled each for themselves.
            .and("TRUSTED_PROXIES", "127.0.0.1/32")
    }

    /// api-server that follows that auth-server.
    pub(crate) fn api(auth: &Server, photos: &Path) -> Self {
        Self { program: "api-server", variables: Vec::new() }
            .and("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
            .and("FEED_SECRET", FEED_SECRET)
            .and("AUTH_SERVER_URL", &auth.url())
            .and("PHOTOS_DIR", &photos.display().to_string())
    }

    /// What api-server would be without its guard.
    pub(crate) fn unguarded() -> Self {
        Self { program: "unguarded", variables: Vec::new() }.and("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
    }

    /// The same, and this variable.
    pub(crate) fn and(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The same without that variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self
    }

    /// The program with these variables and no others.
    pub(crate) fn command(&self) -> Result<Command, Failed> {
        let mut command = Command::new(program(self.program)?);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}

/// A server that runs until this is dropped.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts it. Its log goes to a file in `folder`, as a deployed one's goes to one.
    pub(crate) fn spawn(setting: &Setting, folder: &Path) -> Result<Self, Failed> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = folder.join(format!("{}-{}.log", setting.program, address.port()));
        let child = setting
            .command()?
            .env("AUTH_SERVER_ADDR", address.to_string())
            .env("API_SERVER_ADDR", address.to_string())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self { name: setting.program, child, address, log })
    }

    /// The same, and waits until it is ready.
    pub(crate) fn start(setting: &Setting, folder: &Path) -> Result<Self, Failed> {
        let mut server = Self::spawn(setting, folder)?;
        let path = if server.name == "unguarded" { "/healthz" } else { "/readyz" };
        server.wait_for(path)?;
        Ok(server)
    }

    /// Waits until it answers 200 there.
    pub(crate) fn wait_for(&mut self, path: &str) -> Result<(), Failed> {
        let begun = Instant::now();
        while !answers_200(self.address, path) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended ({status}):\n{}", self.name, self.last_lines()).into());
            }
            if begun.elapsed() > PATIENCE {
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

    /// How much memory it has, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        resident_mib(self.child.id())
    }

    /// How long it had a core until now.
    pub(crate) fn core_time(&self) -> Duration {
        core_time(self.child.id())
    }

    /// The end of its log, for a complaint.
    pub(crate) fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.reverse();
        lines.join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended: io::Result<_> = self.child.kill().and_then(|()| self.child.wait());
        // It had ended by itself, which whoever waited for an answer has noticed.
        let _ = ended;
    }
}

/// Asked with as little work as can be: whoever starts wants the cores for that.
fn answers_200(address: SocketAddr, path: &str) -> bool {
    let ask = || -> io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin)?;
        Ok(begin)
    };
    ask().is_ok_and(|begin| &begin == b"HTTP/1.1 200")
}
