//! docs/cli.md: its examples are run as they stand, and it names exactly the commands and options that exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{Arg, Command as Definition};

use crate::programs::{free_address, program};
use crate::readme::{assert_answers, steps_of};

const PAGE: &str = include_str!("../../../docs/cli.md");

#[test]
fn the_examples_of_the_page_print_what_it_shows() {
    let steps = steps_of(PAGE);
    assert!(steps.len() >= 22, "only {} examples", steps.len());
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let mut script =
        String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n");
    for step in &steps {
        script.push_str("echo '=== step'\n");
        match step.typed.trim_end() {
            "auth-server serve" => script.push_str(
                "auth-server serve >log 2>&1 &\n\
                 until curl -sf http://$AUTH_SERVER_ADDR/readyz >/dev/null; do kill -0 $!; sleep 0.05; done\n",
            ),
            typed => script.extend([&typed.replace("127.0.0.1:4000", &address), "\n"]),
        }
    }
    let programs = Path::new(program("auth-server").get_program()).parent().unwrap().to_owned();
    let ran = Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()))
        .env("AUTH_SERVER_ADDR", &address)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_answers(&steps, &ran);
}

/// `user add EMAIL --role`, and the like for every command below `command`.
fn defined(command: &Definition, path: &str, lines: &mut BTreeSet<String>) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path}{} ", command.get_name());
        let own = |arg: &&Arg| !arg.is_global_set() && !matches!(arg.get_id().as_str(), "help" | "version");
        let arguments: Vec<_> = command.get_arguments().filter(own).map(spelled).collect();
        if !command.has_subcommands() || !arguments.is_empty() {
            lines.insert(format!("{path}{}", arguments.join(" ")).trim_end().to_owned());
        }
        defined(command, &path, lines);
    }
}

fn spelled(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_value_names().unwrap_or_default().join(" "),
    }
}

/// The headings such as ``### `user add EMAIL [--role ROLE]…` ``, without brackets and the values of options.
fn documented() -> BTreeSet<String> {
    let headings = PAGE.lines().filter_map(|line| line.strip_prefix("### `auth-server ")?.strip_suffix('`'));
    let words = headings.map(|heading| {
        let bare: String = heading.chars().filter(|c| !"[]…".contains(*c)).collect();
        let mut words: Vec<&str> = Vec::new();
        for word in bare.split(' ') {
            // An option's value is between the option and the next bracket; only its name is compared.
            match word.split_once('=') {
                Some((option, _)) => words.push(option),
                None => words.push(word),
            }
        }
        words.join(" ")
    });
    words.collect()
}

#[test]
fn the_page_has_every_command_with_its_arguments_and_no_other() {
    let mut lines = BTreeSet::new();
    defined(&auth_server::cli::command(), "", &mut lines);
    assert_eq!(documented(), lines);
    auth_server::cli::command().debug_assert();
}

#[test]
fn every_command_and_argument_has_a_help_text() {
    fn check(command: &Definition) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(check);
    }
    check(&auth_server::cli::command());
}
