//! `cargo xtask CHORE`: what people and CI do to this repository that is too long for a line of shell, in a language
//! that everybody here reads, with the tool versions of Cargo.lock.

mod arrows;
mod bite;
mod cache;
mod names;
mod sql;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Write the `.sqlx` folders anew from the migrations and the queries in the stores.
    Sqlx {
        /// Change nothing; name what is missing, changed or left over, and fail if anything is.
        #[arg(long)]
        check: bool,
    },
    /// Break the code on purpose, in a copy, and see the tests fail that must notice.
    Bite {
        /// Only the breaks of which the name has one of these words in it.
        words: Vec<String>,
    },
    /// Check that crates depend on each other only as ARCHITECTURE.md says, and that no module is a drawer.
    House,
}

#[expect(clippy::print_stderr, reason = "a command line tool speaks to people")]
fn main() -> ExitCode {
    match run(&Chore::parse()) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in complaints {
                eprintln!("{complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is wrong, a sentence each.
fn run(chore: &Chore) -> Result<Vec<String>, Box<dyn Error>> {
    match chore {
        Chore::Sqlx { check } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(sql::refresh(&root(), *check))
        }
        Chore::Bite { words } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(bite::complaints(&root(), words))
        }
        Chore::House => {
            let mut complaints = arrows::complaints(&arrows::workspace()?);
            complaints.extend(names::complaints(&root())?);
            Ok(complaints)
        }
    }
}

/// The repository's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
