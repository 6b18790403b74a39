//! The clock of the revocation set runs while the machine is suspended.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use goptri::revocation::SystemMonotonicClock;

/// The kernel counts the uptime with suspensions.
fn uptime() -> f64 {
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    uptime.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_clock_reads_the_uptime_of_the_machine() {
    let before = uptime();
    let clock = format!("{:?}", SystemMonotonicClock::default());
    // The kernel truncates the uptime to hundredths of a second.
    let after = uptime() + Duration::from_millis(10).as_secs_f64();
    let (_, start) = clock.split_once("start: ").unwrap();
    let start: f64 = start.trim_end_matches(" }").trim_end_matches('s').parse().unwrap();
    assert!((before..=after).contains(&start), "{clock} is not between {before} and {after}");
}

/// In a time namespace, the uptime can be ahead of `CLOCK_MONOTONIC`, as it is after a suspension.
#[test]
fn the_clock_counts_the_time_of_a_suspension() {
    let after_suspension = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--time", "--boottime", "100000", program]);
        command
    };
    if !after_suspension("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot create a time namespace");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let test = "suspended::the_clock_reads_the_uptime_of_the_machine";
    let output = after_suspension(this.to_str().unwrap()).args([test, "--exact"]).output().unwrap();
    let output = String::from_utf8_lossy(&output.stdout);
    assert!(output.contains("1 passed"), "the clock stops during a suspension: {output}");
}
