//! `cargo xtask bite`: breaks the code on purpose, in a copy, and sees the tests fail that are there to notice. A test
//! that passes whatever one does to the code guards nothing.

mod breaks;
mod suite;
mod tree;

use std::{error::Error, io, path::Path, time::Instant};

use cargo_metadata::MetadataCommand;
use scratch_pg::{Profile, ScratchPg, TEST_DATABASE_URL};

use self::{
    breaks::{Break, Catch, Suite},
    suite::{Outcome, Workshop},
    tree::Tree,
};
use crate::sql::BuildDatabases;

/// Breaks what is in the table, or those rows of which the name has one of these words in it, one after the other.
/// One sentence for each test that should have noticed and did not.
#[expect(clippy::print_stdout, reason = "a command line tool speaks to people")]
pub(crate) async fn complaints(root: &Path, words: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let chosen: Vec<&Break> = breaks::all()
        .filter(|row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str())))
        .collect();
    if chosen.is_empty() {
        return Err(format!("no row of the table has any of {words:?} in its name").into());
    }
    let began = Instant::now();
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let build_folder = metadata.target_directory.as_std_path();
    let tree = Tree::copy(root, build_folder.join("bite"))?;
    let scratch = tempfile::tempdir()?;
    let server = ScratchPg::start(Profile::Fast)?;
    let databases = BuildDatabases::migrated(root, &server, scratch.path()).await?;
    let maintenance = server.url("postgres");
    let mut variables = databases.variables().to_vec();
    variables.push((TEST_DATABASE_URL, &maintenance));
    let workshop =
        Workshop { sources: &tree.folder, build_folder, scratch: scratch.path(), variables: &variables };

    let mut complaints = passes_unbroken(&workshop, &chosen).await?;
    if complaints.is_empty() {
        for row in &chosen {
            complaints.extend(bites(&tree, &workshop, row).await?);
        }
    }
    if complaints.is_empty() {
        println!("all {} breaks were noticed, in {} s", chosen.len(), began.elapsed().as_secs());
    }
    Ok(complaints)
}

/// A test that fails anyway notices nothing.
async fn passes_unbroken(workshop: &Workshop<'_>, chosen: &[&Break]) -> io::Result<Vec<String>> {
    let mut catches: Vec<&Catch> = Vec::new();
    for catch in chosen.iter().flat_map(|row| row.caught_by) {
        if !catches.iter().any(|other| (other.suite, other.test) == (catch.suite, catch.test)) {
            catches.push(catch);
        }
    }
    let mut complaints = Vec::new();
    for (catch, outcome) in run(workshop, "nothing is broken", &catches).await? {
        if outcome != Outcome::Passed {
            complaints.push(format!(
                "{} fails, or is not there, though nothing is broken: {outcome:?}",
                catch.test
            ));
        }
    }
    Ok(complaints)
}

/// Breaks the copy, runs the tests, and mends it.
async fn bites(tree: &Tree, workshop: &Workshop<'_>, row: &Break) -> io::Result<Vec<String>> {
    for edit in row.edits {
        tree.apply(edit)?;
    }
    let catches: Vec<&Catch> = row.caught_by.iter().collect();
    let mut complaints = Vec::new();
    for (catch, outcome) in run(workshop, row.name, &catches).await? {
        let name = row.name;
        match outcome {
            Outcome::Failed(said) if catch.says.iter().any(|words| said.contains(words)) => {}
            Outcome::Failed(said) => complaints.push(format!(
                "\"{name}\": {} failed, but not by saying one of {:?}; it said:\n{said}",
                catch.test, catch.says
            )),
            Outcome::Passed => complaints.push(format!("\"{name}\" went unnoticed by {}", catch.test)),
            Outcome::Missing => complaints.push(format!("\"{name}\": {} was not run", catch.test)),
        }
    }
    for edit in row.edits {
        tree.restore(edit.file)?;
    }
    Ok(complaints)
}

/// Builds and runs, and prints a line for each test.
#[expect(clippy::print_stdout, reason = "a command line tool speaks to people")]
async fn run<'a>(
    workshop: &Workshop<'_>,
    name: &str,
    catches: &[&'a Catch],
) -> io::Result<Vec<(&'a Catch, Outcome)>> {
    println!("{name}");
    let mut suites: Vec<Suite> = Vec::new();
    for catch in catches {
        if !suites.contains(&catch.suite) {
            suites.push(catch.suite);
        }
    }
    let mut outcomes = Vec::new();
    for suite in suites {
        let began = Instant::now();
        workshop
            .build(suite)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("\"{name}\": {error}")))?;
        println!("    built {} in {} s", suite.package, began.elapsed().as_secs());
        let own: Vec<&Catch> = catches.iter().filter(|catch| catch.suite == suite).copied().collect();
        let tests: Vec<&str> = own.iter().map(|catch| catch.test).collect();
        let began = Instant::now();
        let ended = workshop.test(suite, &tests).await?;
        for (catch, outcome) in own.into_iter().zip(ended) {
            let word = match &outcome {
                Outcome::Passed => "passed",
                Outcome::Failed(_) => "failed",
                Outcome::Missing => "was not run",
            };
            println!("    {:<60} {word}", catch.test);
            outcomes.push((catch, outcome));
        }
        println!("    tested in {} s", began.elapsed().as_secs());
    }
    Ok(outcomes)
}
