//! The command line, and a run of all measures it names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Parser, ValueEnum};

use crate::Error;
use crate::figures::{Findings, table};
use crate::machine::{self, CpuUsage};
use crate::measures::Measure;
use crate::run::Run;
use crate::scale::Scale;
use crate::shutdown;

const HEAD: &str = include_str!("head.md");

/// Measures both servers and the limits of this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-all", bin_name = "cargo bench-all")]
pub struct Arguments {
    /// What to measure; everything if there is no name
    measures: Vec<Measure>,
    /// More rounds, longer ones, and ten million sessions
    #[arg(long)]
    full: bool,
    /// Only check that the bench works, in seconds, with programs that are already built
    #[arg(long, conflicts_with = "full")]
    smoke: bool,
    /// Where to write the figures; by default BENCHMARKS.md if everything is measured
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Builds the programs, measures, prints the table and writes it.
///
/// # Errors
/// If a server fails or gives a wrong response. Never because a result is slow.
pub fn run(arguments: &Arguments) -> Result<(), Error> {
    let scale = match (arguments.smoke, arguments.full) {
        (true, _) => Scale::SMOKE,
        (false, true) => Scale::FULL,
        (false, false) => Scale::USUAL,
    };
    if !arguments.smoke {
        build()?;
    }
    let run = Run::new(scale)?;
    shutdown::on_signal(run.folder().to_owned())?;
    let mut machine = machine::described(&run, root())?;
    let cpu_usage = CpuUsage::start();
    let everything = arguments.measures.is_empty();
    let measures = if everything { Measure::usual() } else { arguments.measures.clone() };
    let mut all = Findings::default();
    for measure in &measures {
        let findings = measure.run(&run)?;
        if findings.rows.is_empty() {
            return Err(format!("{measure:?} has no figures").into());
        }
        print(&findings);
        all.rows.extend(findings.rows);
        all.notes.extend(findings.notes);
    }
    machine.push(cpu_usage.describe());
    let page = page(&all, &machine, &command(arguments));
    if measures.len() > 1 {
        print(&all);
    }
    let usual = (everything && !arguments.smoke).then(|| root().join("BENCHMARKS.md"));
    if let Some(path) = arguments.output.clone().or(usual) {
        fs::write(&path, page)?;
        run.say(&format!("written to {}", path.display()));
    }
    Ok(())
}

/// Builds the release programs into the folder of this one.
fn build() -> Result<(), Error> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "-p", "auth-server", "-p", "api-server", "-p", "bench", "--bins"]);
    if cfg!(not(debug_assertions)) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(root()).status()?;
    if built.success() { Ok(()) } else { Err("the programs cannot be built".into()) }
}

#[expect(clippy::print_stdout, reason = "the output of this program")]
fn print(all: &Findings) {
    println!("\n{}", table(&all.rows));
    for note in &all.notes {
        println!("{note}");
    }
}

fn page(all: &Findings, machine: &[String], command: &str) -> String {
    let list = |lines: &[String]| match lines {
        [] => String::new(),
        lines => format!("- {}.\n", lines.join(".\n- ")),
    };
    let machine = list(machine);
    format!(
        "{HEAD}\n## Machine\n\n{machine}- Command: `{command}`.\n\n## Figures\n\n{}\n## Notes\n\n{}",
        table(&all.rows),
        list(&all.notes)
    )
}

fn command(arguments: &Arguments) -> String {
    let mut command = "cargo bench-all".to_owned();
    for measure in &arguments.measures {
        if let Some(name) = measure.to_possible_value() {
            command.push(' ');
            command.push_str(name.get_name());
        }
    }
    for (flag, given) in [(" --full", arguments.full), (" --smoke", arguments.smoke)] {
        if given {
            command.push_str(flag);
        }
    }
    command
}

/// The root folder of the repository.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}
