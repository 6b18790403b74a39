//! Programs that this one starts and ends.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::sleep;

use crate::Result;

/// A service in a virtual machine may load for a while on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(2);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A running program, which ends with this value.
pub(crate) struct Process {
    name: String,
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
}

impl Process {
    /// Starts a program in a process group of its own. It listens on the address that `variable` names.
    pub(crate) fn start(name: &str, mut command: Command, variable: &str, folder: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = folder.join(format!("{name}-{}.log", address.port()));
        let output = File::create(&log)?;
        command.env(variable, address.to_string()).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = command.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        Ok(Self { name: name.to_owned(), child, url: format!("http://{address}"), log })
    }

    /// Waits until `GET path` gets one of these statuses.
    pub(crate) async fn wait_for(&mut self, path: &str, statuses: &[u16]) -> Result<()> {
        let (client, begun) = (Client::new(), Instant::now());
        loop {
            let answer = client.get(format!("{}{path}", self.url)).send().await;
            if answer.is_ok_and(|answer| statuses.contains(&answer.status().as_u16())) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended ({status}):\n{}", self.name, self.last_lines()).into());
            }
            if begun.elapsed() > START_TIMEOUT {
                return Err(format!("{} is not ready:\n{}", self.name, self.last_lines()).into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The end of its log.
    pub(crate) fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.reverse();
        lines.join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        // Fails if it has ended already.
        let _ = kill_process_group(group, Signal::TERM);
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > STOP_TIMEOUT {
                eprintln!("{} does not stop within {} s after SIGTERM", self.name, STOP_TIMEOUT.as_secs());
                let _ = kill_process_group(group, Signal::KILL);
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
