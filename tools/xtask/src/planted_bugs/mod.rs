//! `cargo xtask planted-bugs`: plants one bug after another in a copy of the repository and requires that the tests
//! named with it fail. A test that passes whatever the code does guards nothing.

mod patch;

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use cargo_metadata::MetadataCommand;
use scratch_pg::{Profile, ScratchPg, TEST_DATABASE_URL};
use serde_json::Value;

use self::patch::{Expected, Patch};
use crate::sql::BuildDatabases;

/// The copy in which bugs are planted, and how cargo runs in it.
struct WorkingCopy<'a> {
    origin: &'a Path,
    copy: &'a Path,
    /// The server for tests, and the databases that check the SQL.
    variables: &'a [(&'a str, &'a str)],
}

/// Plants all bugs, or those with one of these words in their names. One complaint for each test that did not fail as
/// its patch says.
#[expect(clippy::print_stdout, reason = "progress")]
pub(crate) async fn complaints(root: &Path, words: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut patches = Patch::all(root)?;
    patches.retain(|patch| words.is_empty() || words.iter().any(|word| patch.name.contains(word.as_str())));
    if patches.is_empty() {
        return Err(format!("no file in tools/planted-bugs has any of {words:?} in its name").into());
    }
    #[expect(clippy::disallowed_methods, reason = "progress is reported in real time")]
    let began = Instant::now();
    let target = MetadataCommand::new().no_deps().exec()?.target_directory.into_std_path_buf();
    // Always the same folder: cargo identifies what it built by the folder of the sources.
    let copy = target.join("planted-bugs");
    let lock = File::create(copy.with_extension("lock"))?;
    lock.try_lock().map_err(|_| "another `cargo xtask planted-bugs` is running")?;
    copy_tracked_files(root, &copy)?;

    let scratch = tempfile::tempdir()?;
    let server = ScratchPg::start(Profile::Fast)?;
    let databases = BuildDatabases::migrated(root, &server, scratch.path()).await?;
    let programs = scratch.path().join("programs");
    let server_url = server.url("postgres");
    let [postgres, sqlite] = databases.variables();
    let variables = [
        postgres,
        sqlite,
        (TEST_DATABASE_URL, server_url.as_str()),
        // Dependencies are shared with other builds; programs with a bug in them are not.
        ("CARGO_BUILD_BUILD_DIR", target.to_str().ok_or("the target folder is not UTF-8")?),
        ("CARGO_TARGET_DIR", programs.to_str().ok_or("the temporary folder is not UTF-8")?),
    ];
    let copy_of_code = WorkingCopy { origin: root, copy: &copy, variables: &variables };

    println!("== {:4}s  without a bug", began.elapsed().as_secs());
    let mut complaints = copy_of_code.complaints_without_bug(&patches)?;
    if complaints.is_empty() {
        for patch in &patches {
            println!("== {:4}s  {}", began.elapsed().as_secs(), patch.name);
            complaints.extend(copy_of_code.complaints_with(patch)?);
        }
    }
    fs::remove_dir_all(&copy)?;
    if complaints.is_empty() {
        println!("== {:4}s  the tests noticed all {} bugs", began.elapsed().as_secs(), patches.len());
    }
    Ok(complaints)
}

/// Copies what git tracks, or would after `git add`.
fn copy_tracked_files(origin: &Path, copy: &Path) -> io::Result<()> {
    let _ = fs::remove_dir_all(copy);
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(origin)
        .output()?;
    for file in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
        // Deleted files are listed until the deletion is committed.
        if origin.join(file).is_file() {
            let target = copy.join(file);
            target.parent().map_or(Ok(()), fs::create_dir_all)?;
            // Not `fs::copy`: cargo rebuilds by modification time.
            fs::write(target, fs::read(origin.join(file))?)?;
        }
    }
    Ok(())
}

impl WorkingCopy<'_> {
    /// One complaint for each of these tests that does not pass without a bug.
    fn complaints_without_bug(&self, patches: &[Patch]) -> io::Result<Vec<String>> {
        let tests: Vec<&Expected> = patches.iter().flat_map(|patch| &patch.expected).collect();
        let outcomes = self.run(&tests)?;
        let passed = |test: &Expected| outcomes.get(&id(test)) == Some(&None);
        let complaint =
            |test: &&Expected| format!("{} does not pass, or does not exist, without a bug", id(test));
        Ok(tests.iter().filter(|test| !passed(test)).map(complaint).collect())
    }

    /// Plants the bug and removes it again. One complaint for each test that did not fail as the patch says.
    fn complaints_with(&self, patch: &Patch) -> io::Result<Vec<String>> {
        let planted = patch.plant(self.copy)?;
        for (file, text) in &planted {
            fs::write(self.copy.join(file), text)?;
        }
        let outcomes = self.run(&patch.expected.iter().collect::<Vec<_>>())?;
        for file in planted.keys() {
            fs::write(self.copy.join(file), fs::read(self.origin.join(file))?)?;
        }
        let complaint = |test: &Expected| match outcomes.get(&id(test)) {
            Some(Some(output)) if test.says.iter().any(|text| output.contains(text)) => None,
            Some(Some(output)) => Some(format!(
                "{}: {} failed, but did not say {:?}:\n{output}",
                patch.name,
                id(test),
                test.says
            )),
            Some(None) => Some(format!("{}: {} passed", patch.name, id(test))),
            None => Some(format!("{}: {} did not run", patch.name, id(test))),
        };
        Ok(patch.expected.iter().filter_map(complaint).collect())
    }

    /// The output of each test that failed, and `None` for each that passed.
    #[expect(clippy::print_stdout, reason = "progress")]
    fn run(&self, tests: &[&Expected]) -> io::Result<BTreeMap<String, Option<String>>> {
        let mut suites: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for test in tests {
            let filter = format!("test(={})", test.test);
            suites.entry((&test.package, &test.program)).or_default().push(filter);
        }
        let mut outcomes = BTreeMap::new();
        for ((package, program), filters) in suites {
            println!("          {package}, {program}: {} tests", filters.len());
            let output = Command::new(env!("CARGO"))
                .args(["nextest", "run", "--locked", "--offline", "--all-features", "--no-fail-fast"])
                .args(target(package, program))
                .args(["--package", package, "--filterset", &filters.join(" | ")])
                .args(["--message-format", "libtest-json"])
                .current_dir(self.copy)
                .envs(self.variables.iter().copied())
                .env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1")
                .env("SQLX_OFFLINE", "false")
                .env("RUST_BACKTRACE", "0")
                // The failure matters, not its smallest example.
                .env("PROPTEST_MAX_SHRINK_ITERS", "8")
                .stdin(Stdio::null())
                .output()?;
            let (events, log) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            // 100: tests failed, 4: there are none.
            if !matches!(output.status.code(), Some(0 | 4 | 100)) {
                return Err(io::Error::other(format!(
                    "{package} does not build, or its tests do not run:\n{log}"
                )));
            }
            outcomes.extend(events.lines().filter_map(outcome));
        }
        Ok(outcomes)
    }
}

/// The tests in a library's own files are in a program with the library's name.
fn target<'a>(package: &str, program: &'a str) -> Vec<&'a str> {
    if package.contains('-') && program == package.replace('-', "_") {
        vec!["--lib"]
    } else {
        vec!["--test", program]
    }
}

/// The id of a test, as nextest writes it.
fn id(test: &Expected) -> String {
    format!("{}::{}${}", test.package, test.program, test.test)
}

/// The end of a test, from a line of nextest's messages.
fn outcome(line: &str) -> Option<(String, Option<String>)> {
    let event: Value = serde_json::from_str(line).ok()?;
    let failed = match (event["type"].as_str()?, event["event"].as_str()?) {
        ("test", "ok") => None,
        ("test", "failed") => Some(event["stdout"].as_str().unwrap_or_default().to_owned()),
        _ => return None,
    };
    Some((event["name"].as_str()?.to_owned(), failed))
}
