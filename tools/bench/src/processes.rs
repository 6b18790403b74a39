//! Memory and CPU time of processes, from `/proc`. Zero where there is no `/proc`.

use std::fs;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

/// The unit of times in `/proc`; the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// The number of cores.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// The resident memory of a process, in MiB.
pub(crate) fn resident_mib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u32> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    f64::from(kib.unwrap_or_default()) / 1024.0
}

/// The CPU time of a process and its descendants. Those that ended count once their parent has waited for them.
pub(crate) fn core_time(process: u32) -> Duration {
    let mut ticks = 0;
    let mut family = vec![process];
    let all = all();
    while let Some(id) = family.pop() {
        ticks += all.iter().find(|other| other.id == id).map_or(0, |found| found.ticks);
        family.extend(all.iter().filter(|other| other.parent == id).map(|other| other.id));
    }
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// The CPU time of this process without its children.
pub(crate) fn own_core_time() -> Duration {
    let own = all().into_iter().find(|process| process.id == std::process::id());
    Duration::from_millis(own.map_or(0, |own| own.own_ticks) * 1000 / TICKS_PER_SECOND)
}

/// The running children of this process.
pub(crate) fn children() -> Vec<u32> {
    let own = std::process::id();
    all().into_iter().filter(|process| process.parent == own).map(|process| process.id).collect()
}

/// Since the machine was started: the CPU time of all processes, and the time of all cores, idle time included.
pub(crate) fn all_core_time() -> [Duration; 2] {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.take(8).map(|field| field.parse().unwrap_or_default()).collect();
    // The fourth and fifth are idle time and time waiting for the disk.
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    let all: u64 = ticks.iter().sum();
    [all - idle, all].map(|ticks| Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

struct Process {
    id: u32,
    parent: u32,
    /// With the children that it has waited for.
    ticks: u64,
    /// Without children.
    own_ticks: u64,
}

fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(process).collect()
}

fn process(id: u32) -> Option<Process> {
    parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The name may contain anything, so fields are counted from its closing parenthesis.
fn parse(id: u32, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: Vec<u64> = fields.get(11..15)?.iter().map(|field| field.parse().unwrap_or_default()).collect();
    let (parent, own_ticks) = (fields.get(1)?.parse().ok()?, ticks[..2].iter().sum());
    Some(Process { id, parent, ticks: ticks.iter().sum(), own_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_parsed_whatever_its_name() {
        let stat = "42 (a ) name) S 7 42 42 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 1 0 100 1000 100 18446744073709551615";
        let process = parse(42, stat).unwrap();
        assert_eq!((process.id, process.parent, process.ticks, process.own_ticks), (42, 7, 110, 33));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory() {
        assert!(resident_mib(std::process::id()) > 0.1);
    }
}
