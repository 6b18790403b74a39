//! HAProxy as an ordinary process, and what its log says about servers and requests.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::{Running, TIMEOUT};

pub(super) struct Balancer(Running);

/// A request in the log.
pub(super) struct Logged {
    /// The address of the client, without its port.
    pub(super) client: String,
    /// The server with its backend.
    pub(super) server: String,
    /// The method, the path and the version, in quotes.
    pub(super) request: String,
    status: i16,
    /// Who ended it in which state; `--` at its start is nothing unusual.
    termination: String,
}

impl Logged {
    /// `client [date] frontend backend/server timers status bytes - - termination … "request"`.
    fn parse(line: &str) -> Option<Self> {
        let (fields, request) = line.split_once(" \"")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let &[client, _, _, server, _, status, _, _, _, termination, ..] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            client: client.split_once(':')?.0.to_owned(),
            server: server.to_owned(),
            request: request.to_owned(),
            status: status.parse().ok()?,
            termination: termination.to_owned(),
        })
    }

    /// Whether its client got no answer, or the answer that the service is not available. Streams of the feed may end.
    fn has_failed(&self) -> bool {
        let is_unusual = !self.termination.starts_with("--") && !self.termination.starts_with("LR");
        !self.server.starts_with("feed/") && (is_unusual || self.status >= 500)
    }
}

impl Balancer {
    /// Starts HAProxy and waits until it listens there.
    pub(super) fn start(folder: &Path, configuration: &str, address: &str) -> Self {
        let path = folder.join("haproxy.cfg");
        fs::write(&path, configuration).unwrap();
        let mut command = Command::new("haproxy");
        // Debian has it where only root looks for programs.
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
        command.args(["-db", "-f"]).arg(path).stdin(Stdio::null());
        let mut running = Running::start(command);
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < TIMEOUT, "{}", running.output());
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(running)
    }

    /// How often a server has got into a state: `UP`, `DOWN` or `stopping`.
    pub(super) fn times(&self, server: &str, state: &str) -> usize {
        let begin = format!("Server {server} is {state}");
        // On standard error, which has it too, other words precede it.
        self.0.output().lines().filter(|line| line.starts_with(&begin)).count()
    }

    /// Waits until a server has got into a state that often.
    pub(super) async fn says(&self, server: &str, state: &str, times: usize) {
        let started = Instant::now();
        while self.times(server, state) < times {
            assert!(started.elapsed() < TIMEOUT, "{server} is not {state}:\n{}", self.servers());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it sends requests to a server that was not ready when HAProxy started.
    pub(super) async fn takes(&self, server: &str) {
        if self.times(server, "stopping") + self.times(server, "DOWN") > 0 {
            self.says(server, "UP", 1).await;
        }
    }

    /// What it says about servers.
    fn servers(&self) -> String {
        let output = self.0.output();
        output.lines().filter(|line| line.starts_with("Server ")).collect::<Vec<_>>().join("\n")
    }

    /// The requests that have ended so far.
    pub(super) fn requests(&self) -> Vec<Logged> {
        self.0.output().lines().filter_map(Logged::parse).collect()
    }

    /// How many requests failed on which server, without the first `known` requests. `<NOSRV>` stands for none.
    pub(super) fn failed_after(&self, known: usize) -> BTreeMap<String, usize> {
        let mut failed = BTreeMap::new();
        for logged in self.requests().into_iter().skip(known).filter(Logged::has_failed) {
            let (_, server) = logged.server.split_once('/').unwrap_or_default();
            *failed.entry(server.to_owned()).or_default() += 1;
        }
        failed
    }
}
