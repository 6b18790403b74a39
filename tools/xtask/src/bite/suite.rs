//! Cargo in the copy: builds a test program, runs some of its tests, and says how each of them ended.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};

use super::breaks::Suite;

/// A test that hangs has not failed by assertion.
const PATIENCE: Duration = Duration::from_mins(10);

/// How cargo is called in the copy.
pub(crate) struct Workshop<'a> {
    /// The copy.
    pub(crate) sources: &'a Path,
    /// Where dependencies are built already.
    pub(crate) build_folder: &'a Path,
    /// For what is built and for what is printed; removed with everything in it.
    pub(crate) scratch: &'a Path,
    /// The server for tests, and the variables against which the SQL is checked.
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// With what it said.
    Failed(String),
    /// It is not in the program, or was not run to its end.
    Missing,
}

impl Workshop<'_> {
    /// Builds the program. `Err`: the copy does not compile, which proves nothing about tests.
    pub(crate) async fn build(&self, suite: Suite) -> io::Result<()> {
        let mut cargo = self.cargo(suite);
        let (status, output) = self.run(cargo.arg("--no-run")).await?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("it does not build:\n{output}"))) }
    }

    /// Runs these tests and no others.
    pub(crate) async fn test(&self, suite: Suite, tests: &[&str]) -> io::Result<Vec<Outcome>> {
        let mut cargo = self.cargo(suite);
        let (_, output) = self.run(cargo.args(["--", "--exact"]).args(tests)).await?;
        Ok(tests.iter().map(|test| outcome(&output, test)).collect())
    }

    fn cargo(&self, suite: Suite) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["test", "--locked", "--offline", "--all-features", "-p", suite.package])
            .args(["--test", suite.program])
            .current_dir(self.sources)
            // Dependencies are shared. Programs are not: nobody shall start a broken one by mistake.
            .env("CARGO_BUILD_BUILD_DIR", self.build_folder)
            .env("CARGO_TARGET_DIR", self.scratch.join("programs"))
            .env("SQLX_OFFLINE", "false")
            .env("RUST_BACKTRACE", "0")
            // Whether it fails is asked, not how briefly that can be told.
            .env("PROPTEST_MAX_SHRINK_ITERS", "8")
            .envs(self.variables.iter().copied());
        cargo
    }

    /// Runs a command, with all that it starts, until it ends, time is up, or somebody interrupts.
    async fn run(&self, command: &mut Command) -> io::Result<(ExitStatus, String)> {
        let path = self.scratch.join("output");
        let output = File::create(&path)?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let mut child = command.spawn()?;
        let group = format!("-{}", child.id());
        let mut ended = spawn_blocking(move || child.wait());
        let why = tokio::select! {
            status = &mut ended => return Ok((status.map_err(io::Error::other)??, fs::read_to_string(&path)?)),
            () = sleep(PATIENCE) => "it took too long",
            _ = interrupt.recv() => "interrupted",
            _ = terminate.recv() => "terminated",
            _ = hang_up.recv() => "hung up",
        };
        Command::new("kill").args(["-KILL", "--", &group]).status()?;
        ended.await.map_err(io::Error::other)??;
        Err(io::Error::new(io::ErrorKind::Interrupted, why))
    }
}

/// What the test program's output says about one test.
fn outcome(output: &str, test: &str) -> Outcome {
    let heading = format!("---- {test} stdout ----\n");
    if let Some((_, said)) = output.split_once(&heading) {
        let end = ["\n---- ", "\nfailures:\n"].iter().filter_map(|end| said.find(end)).min();
        return Outcome::Failed(said[..end.unwrap_or(said.len())].trim().to_owned());
    }
    let passed = format!("test {test} ... ok");
    if output.lines().any(|line| line == passed) { Outcome::Passed } else { Outcome::Missing }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, outcome};

    const OUTPUT: &str = "running 2 tests
test one::good ... ok
test one::bad ... FAILED

failures:

---- one::bad stdout ----

thread 'one::bad' panicked at x.rs:1:1:
the thief was not noticed


failures:
    one::bad

test result: FAILED. 1 passed; 1 failed
";

    #[test]
    fn a_test_has_passed_or_failed_with_what_it_said_or_was_never_there() {
        assert_eq!(outcome(OUTPUT, "one::good"), Outcome::Passed);
        let Outcome::Failed(said) = outcome(OUTPUT, "one::bad") else { panic!("not failed") };
        assert!(said.ends_with("the thief was not noticed"), "{said}");
        assert_eq!(outcome(OUTPUT, "bad"), Outcome::Missing);
        assert_eq!(outcome("error[E0308]: mismatched types", "one::bad"), Outcome::Missing);
    }
}
