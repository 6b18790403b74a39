//! The machine and the versions, so that figures of two runs can be compared.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use goptri::clock::{Clock, SystemClock};

use crate::Error;
use crate::figures::{millis, number};
use crate::processes::{all_core_time, core_time, cores};
use crate::run::Run;
use crate::seed::Postgres;
use crate::servers::output_of;

/// How many writes of a block are measured.
const WRITES: u32 = 200;

/// The share of CPU time that the bench and other processes used.
pub(crate) struct CpuUsage {
    all: [Duration; 2],
    own: Duration,
}

impl CpuUsage {
    pub(crate) fn start() -> Self {
        Self { all: all_core_time(), own: core_time(std::process::id()) }
    }

    /// A sentence about the time since [`start`](Self::start).
    pub(crate) fn describe(&self) -> String {
        let [busy, all] = all_core_time();
        let (busy, all) = (busy.saturating_sub(self.all[0]), all.saturating_sub(self.all[1]));
        let own = core_time(std::process::id()).saturating_sub(self.own);
        let share = |time: Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64().max(1e-3);
        format!(
            "CPU time: the bench, its servers and Postgres used {:.0} % of the cores, all other processes {:.0} %",
            share(own),
            share(busy.saturating_sub(own)),
        )
    }
}

/// Items of a Markdown list.
pub(crate) fn described(run: &Run, root: &Path) -> Result<Vec<String>, Error> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let git = |arguments: &[&str]| {
        output_of(Command::new("git").args(arguments).current_dir(root)).unwrap_or_default()
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let changed =
        if git(&["status", "--porcelain", "--untracked-files=no"]).is_empty() { "" } else { ", changed" };
    let memory: f64 =
        field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    Ok(vec![
        format!(
            "Machine: {} cores of {}, {:.0} GiB of memory, Linux {}",
            cores(),
            field(&read("/proc/cpuinfo"), "model name"),
            memory / 1024.0 / 1024.0,
            kernel.trim()
        ),
        format!(
            "Disk: a durable write of 8 KiB takes {} ms (median of {WRITES})",
            number(write_millis(run.folder())?)
        ),
        format!(
            "Versions: {}, {}",
            output_of(Command::new("rustc").arg("--version"))?.trim(),
            Postgres::version()?
        ),
        format!(
            "Commit {}{changed}, on {}",
            commit.trim(),
            SystemClock.now().format("%Y-%m-%d at %H:%M UTC")
        ),
    ])
}

/// Median time of a durable write of 8 KiB, in milliseconds.
fn write_millis(folder: &Path) -> io::Result<f64> {
    let path = folder.join("written");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let mut took = Vec::new();
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        took.push(millis(begun.elapsed()));
    }
    fs::remove_file(path)?;
    Ok(crate::figures::median(&took))
}
