//! The README's own shell blocks are run as they stand, and answer what it says they answer.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::programs::{free_address, program};

const README: &str = include_str!("../../../README.md");

/// A block: what is typed, and what is shown below it.
pub(crate) struct Step {
    pub(crate) typed: String,
    pub(crate) shown: Option<String>,
}

fn walk_through() -> Vec<Step> {
    steps_of(README.split("\n## The walk-through\n").nth(1).unwrap().split("\n## ").next().unwrap())
}

/// The blocks of one section.
pub(crate) fn steps_of(section: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut fences = section.split("```");
    while let (Some(_), Some(block)) = (fences.next(), fences.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "sh" => steps.push(Step { typed: text.to_owned(), shown: None }),
            "json" | "text" => steps.last_mut().unwrap().shown = Some(text.trim_end().to_owned()),
            other => panic!("a block of the language {other:?} that is not run"),
        }
    }
    steps
}

/// Whether `told` is what is `shown`, where `…` stands for anything on its line.
fn matches(shown: &str, told: &str) -> bool {
    let (shown, told): (Vec<_>, Vec<_>) = (shown.lines().collect(), told.lines().collect());
    shown.len() == told.len() && shown.iter().zip(&told).all(|(shown, told)| line_matches(shown, told))
}

fn line_matches(shown: &str, told: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = told.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let found = if last {
            rest.len().checked_sub(part.len()).filter(|_| rest.ends_with(part))
        } else {
            rest.find(part)
        };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// What `cargo dev` is in the test: the program that the workspace built, with data and ports of its own, which
/// ends the one before with Ctrl-C. After it, the addresses are those that the README names.
fn script(steps: &[Step], auth: &str, api: &str) -> String {
    let mut script = String::from(
        "set -euo pipefail\n\
         DEV=\n\
         stop() { [ -z \"$DEV\" ] || { kill -s INT $DEV; wait $DEV; DEV=; }; }\n\
         trap stop EXIT\n\
         start() {\n\
           stop\n\
           setsid env \"$@\" \"$DEV_PROGRAM\" --data data >/dev/null 2>&1 & DEV=$!\n\
           until curl -sf \"http://$AUTH_SERVER_ADDR/readyz\" >/dev/null; do kill -0 $DEV; done\n\
         }\n",
    );
    for step in steps {
        script.push_str("echo '=== step'\n");
        match step.typed.trim_end().strip_suffix("cargo dev") {
            Some(variables) => script.extend(["start ", variables, "\n"]),
            None => {
                script.push_str(&step.typed.replace("127.0.0.1:4000", auth).replace("127.0.0.1:3000", api));
            }
        }
    }
    script
}

#[test]
fn the_walk_through_works_as_it_stands() {
    let steps = walk_through();
    assert!(steps.len() >= 8, "only {} blocks", steps.len());
    let folder = tempfile::tempdir().unwrap();
    // What a clone has, and the blocks name.
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(folder.path().join("docs/gopher.png"), include_bytes!("../../../docs/gopher.png")).unwrap();
    let (auth, api) = (free_address(), free_address());
    let ran = Command::new("bash")
        .arg("-c")
        .arg(script(&steps, &auth, &api))
        .current_dir(folder.path())
        .env("DEV_PROGRAM", program("dev").get_program())
        .env("AUTH_SERVER_ADDR", &auth)
        .env("API_SERVER_ADDR", &api)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_answers(&steps, &ran);
}

/// That each step printed what the page shows. Before each, the script says so.
pub(crate) fn assert_answers(steps: &[Step], ran: &Output) {
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    let answers: Vec<&str> = told.split("=== step\n").skip(1).collect();
    assert_eq!(answers.len(), steps.len());
    for (step, answer) in steps.iter().zip(answers) {
        let shown = step.shown.as_deref().unwrap_or_default();
        assert!(
            matches(shown, answer.trim_end()),
            "typed:\n{}\nshown:\n{shown}\ntold:\n{answer}",
            step.typed
        );
    }
}

#[test]
fn three_dots_stand_for_anything_on_their_line_and_nothing_else_does() {
    for (shown, told, expected) in [
        ("{\"a\":\"…\",\"b\":1}", "{\"a\":\"xyz\",\"b\":1}", true),
        ("{\"a\":\"…\",\"b\":1}", "{\"a\":\"xyz\",\"b\":2}", false),
        ("a…b…c", "a1b2c", true),
        ("a…b…c", "a1b2", false),
        ("a", "a ", false),
        ("a\n401", "a\n400", false),
        ("a\n401", "a\n401\nb", false),
        ("exp\":…}", "exp\":123}", true),
    ] {
        assert_eq!(matches(shown, told), expected, "{shown:?} {told:?}");
    }
}
