//! On what it was measured, so that figures of two runs can be compared.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use goptri::{Clock, SystemClock};

use crate::Failed;
use crate::figures::{millis, number};
use crate::processes::cores;
use crate::servers::output_of;
use crate::stage::{Postgres, Stage};

/// Writes of a block to the disk, to see how long one takes.
const WRITES: u32 = 200;

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
    let (load, kernel) = (read("/proc/loadavg"), read("/proc/sys/kernel/osrelease"));
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
    ]
    .into_iter()
    .chain(load.split_whitespace().next().map(|load| format!("Load average when it began: {load}")))
    .collect())
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
