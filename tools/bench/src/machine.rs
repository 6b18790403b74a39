//! On what it was measured, so that figures of two runs can be compared.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use goptri::{Clock, SystemClock};

use crate::Failed;
use crate::figures::{millis, number};
use crate::processes::{all_core_time, core_time, cores};
use crate::servers::output_of;
use crate::stage::{Postgres, Stage};

/// Writes of a block to the disk, to see how long one takes.
const WRITES: u32 = 200;

/// What else ran meanwhile, as far as it can be told from the time that it took.
pub(crate) struct Meanwhile {
    all: [Duration; 2],
    own: Duration,
}

impl Meanwhile {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self { all: all_core_time(), own: core_time(std::process::id()) }
    }

    /// Until now.
    pub(crate) fn describe(&self) -> String {
        let [busy, all] = all_core_time();
        let (busy, all) = (busy.saturating_sub(self.all[0]), all.saturating_sub(self.all[1]));
        let own = core_time(std::process::id()).saturating_sub(self.own);
        let share = |time: Duration| 100.0 * time.as_secs_f64() / all.as_secs_f64().max(1e-3);
        format!(
            "Meanwhile the bench and what it started had {:.0} % of the cores' time, and all other processes {:.0} %",
            share(own),
            share(busy.saturating_sub(own)),
        )
    }
}

/// Lines of a list, in Markdown.
pub(crate) fn described(stage: &Stage, root: &Path) -> Result<Vec<String>, Failed> {
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
            "Disk: a block of 8 KiB is written and on the disk after {} ms (median of {WRITES})",
            number(write_takes(stage.folder())?)
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

/// In milliseconds.
fn write_takes(folder: &Path) -> io::Result<f64> {
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
