//! A planted bug: a unified diff below the tests that must fail with it. tools/planted-bugs/README.md has the format.

use std::{collections::BTreeMap, fs, io, path::Path};

pub(crate) struct Patch {
    pub(crate) name: String,
    pub(crate) expected: Vec<Expected>,
    hunks: Vec<Hunk>,
}

/// A test that must fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) package: String,
    pub(crate) program: String,
    pub(crate) test: String,
    /// The output of the test must contain one of these.
    pub(crate) says: Vec<String>,
}

/// Lines of a file, and the lines that replace them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hunk {
    file: String,
    old: String,
    new: String,
}

impl Patch {
    /// All patches, ordered by name.
    pub(crate) fn all(root: &Path) -> io::Result<Vec<Self>> {
        let mut patches = Vec::new();
        for entry in fs::read_dir(root.join("tools/planted-bugs"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "patch") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                patches.push(Self::parse(&name, &fs::read_to_string(&path)?)?);
            }
        }
        patches.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(patches)
    }

    fn parse(name: &str, text: &str) -> io::Result<Self> {
        let wrong = |what| io::Error::other(format!("tools/planted-bugs/{name}.patch: {what}"));
        let (header, diff) = text.split_once("\n--- ").ok_or_else(|| wrong("there is no diff"))?;
        let expected = header.lines().filter_map(|line| line.strip_prefix("must fail: "));
        let expected: Option<Vec<Expected>> = expected.map(Expected::parse).collect();
        let expected = expected.filter(|all| !all.is_empty()).ok_or_else(|| wrong("it names no test"))?;
        Ok(Self { name: name.to_owned(), expected, hunks: hunks(diff) })
    }

    /// The files that the bug changes, with the bug in them. Line numbers are ignored.
    ///
    /// Fails unless the old lines of each hunk occur exactly once.
    pub(crate) fn plant(&self, root: &Path) -> io::Result<BTreeMap<&str, String>> {
        let mut files = BTreeMap::new();
        for Hunk { file, old, new } in &self.hunks {
            let text = match files.remove(file.as_str()) {
                Some(text) => text,
                None => fs::read_to_string(root.join(file))?,
            };
            let count = text.matches(old.as_str()).count();
            if count != 1 {
                let name = &self.name;
                return Err(io::Error::other(format!(
                    "tools/planted-bugs/{name}.patch: these lines occur {count} times, not once, in {file}:\n{old}"
                )));
            }
            files.insert(file.as_str(), text.replacen(old.as_str(), new, 1));
        }
        Ok(files)
    }
}

impl Expected {
    /// `PACKAGE PROGRAM TEST: TEXT | TEXT`
    fn parse(line: &str) -> Option<Self> {
        let (place, says) = line.split_once(": ")?;
        let [package, program, test] = place.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let says = says.split(" | ").map(str::to_owned).collect();
        Some(Self { package: package.to_owned(), program: program.to_owned(), test: test.to_owned(), says })
    }
}

fn hunks(diff: &str) -> Vec<Hunk> {
    let mut file = "";
    let mut hunks: Vec<Hunk> = Vec::new();
    for line in diff.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("+++ b/") {
            file = path.trim_end();
        } else if line.starts_with("@@ ") {
            hunks.push(Hunk { file: file.to_owned(), ..Hunk::default() });
        } else if !line.starts_with("--- a/")
            && let Some(hunk) = hunks.last_mut()
            && let Some((side, text)) = line.split_at_checked(1)
        {
            hunk.old.push_str(if side == "+" { "" } else { text });
            hunk.new.push_str(if side == "-" { "" } else { text });
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use std::{fs, io, process::Command};

    use super::{Expected, Hunk, Patch};

    /// What `assert_eq!` and `unwrap_err` say is not in the source.
    const SAID_BY_STD: [&str; 2] = ["left == right", "called `Result::unwrap_err()`"];

    #[test]
    fn a_patch_is_parsed_without_its_line_numbers() -> io::Result<()> {
        let text = "Too late.\n\nmust fail: p t a::b: one | two\n\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n same\n-old\n\
                    +new\n--- a/y\n+++ b/y\n@@ -1 +0,0 @@\n-gone\n";
        let patch = Patch::parse("late", text)?;
        let hunk = |file: &str, old: &str, new: &str| Hunk {
            file: file.to_owned(),
            old: old.to_owned(),
            new: new.to_owned(),
        };
        assert_eq!(patch.hunks, [hunk("x", "same\nold\n", "same\nnew\n"), hunk("y", "gone\n", "")]);
        let [Expected { package, program, test, says }] = patch.expected.as_slice() else { panic!() };
        assert_eq!((package.as_str(), program.as_str(), test.as_str()), ("p", "t", "a::b"));
        assert_eq!(says, &["one", "two"]);
        assert!(Patch::parse("untested", "Too late.\n\n--- a/x\n").is_err());
        Ok(())
    }

    #[test]
    fn lines_that_do_not_occur_exactly_once_are_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let patch = Patch::parse("x", "must fail: p t a: b\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n")?;
        for (text, planted) in [("a\nold\nb\n", Some("a\nnew\nb\n")), ("a\n", None), ("old\nold\n", None)] {
            fs::write(folder.path().join("x"), text)?;
            let files = patch.plant(folder.path()).ok();
            assert_eq!(files.and_then(|mut files| files.remove("x")).as_deref(), planted, "{text:?}");
        }
        Ok(())
    }

    /// Renames show up here, long before `scripts/bite` runs.
    #[test]
    fn every_patch_still_applies_and_its_tests_still_exist() -> io::Result<()> {
        let root = crate::root();
        let in_source = |text: &str| {
            let mut grep = Command::new("git");
            grep.args(["grep", "-qF", "--untracked", "-e", text, "--", "*.rs"]).current_dir(&root).status()
        };
        for patch in Patch::all(&root)? {
            patch.plant(&root)?;
            for Expected { test, says, .. } in &patch.expected {
                let test = test.trim_end_matches("::on_sqlite").trim_end_matches("::on_postgres");
                let function = test.rsplit("::").next().unwrap_or(test);
                for text in says.iter().map(String::as_str).chain([function]) {
                    let exists = SAID_BY_STD.contains(&text) || in_source(text)?.success();
                    assert!(exists, "tools/planted-bugs/{}.patch: no source has {text:?}", patch.name);
                }
            }
        }
        Ok(())
    }
}
