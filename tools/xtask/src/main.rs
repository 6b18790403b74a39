//! `cargo xtask CHORE`: chores of this repository that need more than a few lines of shell.

mod cache;
mod planted_bugs;
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
    /// Rewrite the `.sqlx` folders from the migrations and the queries in the stores.
    Sqlx {
        /// Change nothing; list what is missing, out of date or left over, and fail if anything is.
        #[arg(long)]
        check: bool,
    },
    /// Plant the bugs of tools/planted-bugs in a copy, one after the other, and require that the tests notice each.
    PlantedBugs {
        /// Only the bugs with one of these words in their names.
        words: Vec<String>,
    },
    /// Rewrite clients/vectors.json: tokens with the verdict of goptri, for the packages in other languages.
    Vectors {
        /// Change nothing, and fail if the file is out of date.
        #[arg(long)]
        check: bool,
    },
}

#[expect(clippy::print_stderr, reason = "a command line tool reports on stderr")]
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

/// One sentence for each problem found.
fn run(chore: &Chore) -> Result<Vec<String>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match chore {
        Chore::Sqlx { check } => runtime.block_on(sql::refresh(&root(), *check)),
        Chore::PlantedBugs { words } => runtime.block_on(planted_bugs::complaints(&root(), words)),
        Chore::Vectors { check: true } => Ok(vectors::complaints(&root())),
        Chore::Vectors { check: false } => {
            vectors::refresh(&root())?;
            Ok(Vec::new())
        }
    }
}

/// The repository's root folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
